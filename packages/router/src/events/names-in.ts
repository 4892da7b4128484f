// How many names of blocks events carry: what bounds on events count.

import type { KvEvent } from "@loci/core";

export function namesIn(events: readonly KvEvent[]): number {
  let names = 0;
  for (const event of events) if (event.type !== "cleared") names += event.blocks.length;
  return names;
}
