// What a router knows of an engine's blocks that is told of every change.

import type { BlockName, KvEvent } from "@loci/core";

export class EventMirror {
  readonly held: Set<BlockName> = new Set();

  readonly apply = (events: readonly KvEvent[]): void => {
    for (const event of events) {
      if (event.type === "cleared") this.held.clear();
      else if (event.type === "stored") for (const name of event.blocks) this.held.add(name);
      else for (const name of event.blocks) this.held.delete(name);
    }
  };
}
