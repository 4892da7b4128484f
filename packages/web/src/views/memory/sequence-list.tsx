// Which conversation's blocks sit where: one row each, a bar of spans coloured by place.

import type { JSX } from "preact";
import { formatAgo, formatCount } from "../../format.ts";
import { Legend } from "../../live/stacked-bar.tsx";
import { WindowedList } from "../../live/windowed-list.tsx";
import { hrefOf } from "../../routing/route.ts";
import type { SequenceRow } from "./sequence-rows.ts";

/** With more blocks than this the lines between them would be all that one sees. */
const cellsMax = 96;

interface SequenceListProps {
  readonly rows: readonly SequenceRow[];
  readonly conversations: Readonly<Record<string, string>>;
}

const legend = [
  { fill: "device", label: "device" },
  { fill: "host", label: "host" },
  { fill: "disk", label: "disk" },
  { fill: "missing", label: "given up: computed again when needed" },
  { fill: "shared", label: "dotted: others continue from it" },
] as const;

export function SequenceList({ rows, conversations }: SequenceListProps): JSX.Element {
  return (
    <>
      <Legend entries={legend} />
      <WindowedList
        label="Sequences in memory"
        rows={rows}
        keyOf={({ sequence }) => sequence.key}
        rowRem={2.5}
        rowRemNarrow={3.75}
        rowsShown={14}
        render={(row) => <SequenceLine row={row} conversations={conversations} />}
      />
    </>
  );
}

interface SequenceLineProps {
  readonly row: SequenceRow;
  readonly conversations: Readonly<Record<string, string>>;
}

function SequenceLine({ row, conversations }: SequenceLineProps): JSX.Element {
  const { sequence, blocks, spans, width, words } = row;
  const { session, tokens, idleSeconds, inUse, worker } = sequence;
  return (
    <div class="sequence">
      <span class="sequence-name">
        <SequenceName session={session} conversations={conversations} />
      </span>
      <span class="sequence-facts soft number">
        {formatCount(tokens)} tokens · {inUse ? <b>in use</b> : formatAgo(idleSeconds)}
        {worker !== null && ` · ${worker}`}
      </span>
      <span class="visually-hidden">{words}</span>
      <div
        class="spans"
        aria-hidden="true"
        title={words}
        style={{ width: `${(width * 100).toFixed(2)}%` }}
      >
        {spans.map(({ start, end, place, shared, move }) => (
          <span
            key={`${start}/${place}/${String(move)}`}
            class="span"
            data-fill={place}
            data-shared={shared ? "" : undefined}
            data-move={move ?? undefined}
            data-cells={blocks <= cellsMax ? "" : undefined}
            style={{ flexGrow: end - start, "--blocks": end - start }}
          />
        ))}
      </div>
    </div>
  );
}

interface SequenceNameProps {
  readonly session: string | null;
  readonly conversations: Readonly<Record<string, string>>;
}

function SequenceName({ session, conversations }: SequenceNameProps): JSX.Element {
  if (session === null) return <span class="soft">no conversation</span>;
  const id = conversations[session];
  if (id === undefined) return <span title={session}>session {session.slice(0, 8)}</span>;
  return <a href={hrefOf({ view: "chat", id })}>conversation …{id.slice(-6)}</a>;
}
