// The memory view.

import type { JSX } from "preact";

export function MemoryView(): JSX.Element {
  return (
    <div class="page">
      <h1>Memory</h1>
    </div>
  );
}
