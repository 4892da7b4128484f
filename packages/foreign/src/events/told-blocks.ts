// The blocks of an engine that publishes what it stores and gives up: its events in, ours out.

import type { Clock, KvEvent, KvSnapshot } from "@loci/core";
import { BlockNamer } from "./block-namer.ts";
import type { EngineEvent } from "./engine-events.ts";
import { EventSubscriber } from "./event-subscriber.ts";
import type { EventSources } from "./event-subscriber.ts";
import type { TenantSalts } from "./tenant-salts.ts";

export interface ToldBlocksOptions {
  readonly sources: EventSources;
  readonly blockTokens: number;
  /** Blocks of the engine's, in all its memories, that are kept in mind. */
  readonly engineBlocksMax: number;
  readonly salts: TenantSalts;
  readonly clock: Clock;
  readonly onEvents: (events: readonly KvEvent[]) => void;
}

export class ToldBlocks {
  readonly #namer: BlockNamer;
  readonly #subscriber: EventSubscriber;

  constructor(options: ToldBlocksOptions) {
    const { salts, blockTokens, engineBlocksMax, sources, clock, onEvents } = options;
    this.#namer = new BlockNamer({
      blockTokens,
      blocksMax: engineBlocksMax,
      saltOf: (salt, firstTokens) => salts.tenantOf(salt, firstTokens),
    });
    const listener = {
      events: (events: readonly EngineEvent[]): void =>
        onEvents(events.flatMap((event) => this.#namer.apply(event))),
      forget: (): void => onEvents(this.#namer.clear()),
    };
    this.#subscriber = new EventSubscriber(sources, listener, clock);
  }

  get size(): number {
    return this.#namer.names;
  }

  /** Listens until closed; rejects only for mistakes in this program. */
  run(): Promise<void> {
    return this.#subscriber.run();
  }

  heldOf(names: Float64Array): number {
    return this.#namer.heldOf(names);
  }

  held(): KvSnapshot["held"] {
    return this.#namer.held();
  }

  /** The engine has restarted, and holds nothing. */
  restart(): void {
    this.#namer.clear();
    this.#subscriber.restart();
  }

  close(): void {
    this.#subscriber.close();
  }

  checkIntegrity(): void {
    this.#namer.checkIntegrity();
  }
}
