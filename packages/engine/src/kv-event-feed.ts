// Hands an engine's changes to those who listen. With nobody there, changes are let go.

import type { KvEventSource, KvSnapshot } from "@loci/core";
import type { Engine } from "./engine.ts";

export type KvEventListener = Parameters<KvEventSource["listenKvEvents"]>[0];

export class KvEventFeed {
  readonly #engine: Engine;
  readonly #listeners = new Set<KvEventListener>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  listen(listener: KvEventListener): () => void {
    // What happened before is nothing to the newcomer.
    this.flush();
    // A function of its own, so that one listener may come twice.
    const own: KvEventListener = (events) => listener(events);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** All that is held, once everybody has heard of it. */
  held(): KvSnapshot["held"] {
    this.flush();
    return this.#engine.heldBlocks();
  }

  flush(): void {
    const events = this.#engine.takeKvEvents();
    if (events.length === 0) return;
    for (const listener of this.#listeners) listener(events);
  }
}
