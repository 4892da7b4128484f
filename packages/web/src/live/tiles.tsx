// A few numbers that matter, large.

import type { JSX } from "preact";

export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

export function Tiles({ tiles }: { readonly tiles: readonly Tile[] }): JSX.Element {
  return (
    <dl class="live-tiles">
      {tiles.map(({ label, value, note }) => (
        <div key={label} class="panel live-tile">
          <dt>{label}</dt>
          <dd class="live-tile-value number">{value}</dd>
          {note !== undefined && <dd class="soft live-tile-note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}
