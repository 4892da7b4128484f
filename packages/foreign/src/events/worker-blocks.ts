// All that is known of the blocks one engine holds: its events in, numbered batches and snapshots of
// our names out.

import { BlockNamer } from "./block-namer.ts";
import { EventSubscriber } from "./event-subscriber.ts";
import type { EventSources, SubscriberCounts } from "./event-subscriber.ts";
import type { HeldBlocks } from "./held-blocks.ts";
import type { TenantSalts } from "./tenant-salts.ts";
import { assert } from "@loci/core";
import type { Clock, KvEvent, KvEventBatch, KvSnapshot } from "@loci/core";
import { KvEventLog } from "@loci/router";

export interface WorkerBlocksOptions {
  readonly sources: EventSources;
  readonly blockTokens: number;
  readonly salts: TenantSalts;
  readonly clock: Clock;
  readonly onBatch: (batch: KvEventBatch) => void;
}

export class WorkerBlocks implements HeldBlocks {
  readonly #options: WorkerBlocksOptions;
  readonly #namer: BlockNamer;
  readonly #subscriber: EventSubscriber;
  #log = new KvEventLog({ batchesMax: 1 });

  constructor(options: WorkerBlocksOptions) {
    const { salts, blockTokens, sources, clock } = options;
    this.#options = options;
    this.#namer = new BlockNamer({
      blockTokens,
      saltOf: (salt, firstTokens) => salts.tenantOf(salt, firstTokens),
    });
    const listener = {
      events: (events: Parameters<BlockNamer["apply"]>[0][]) =>
        this.#tell(events.flatMap((event) => this.#namer.apply(event))),
      forget: () => this.#tell(this.#namer.clear()),
    };
    this.#subscriber = new EventSubscriber(sources, listener, clock);
  }

  get counts(): SubscriberCounts & { readonly unnamed: number } {
    return { ...this.#subscriber.counts, unnamed: this.#namer.unnamed };
  }

  get size(): number {
    return this.#namer.names;
  }

  /** Listens until closed; never rejects but for mistakes in this program. */
  run(): Promise<void> {
    return this.#subscriber.run();
  }

  heldOf(names: Float64Array): number {
    return this.#namer.heldOf(names);
  }

  used(): void {
    // The engine tells that itself.
  }

  found(): void {
    // Nor is that news.
  }

  snapshot(): KvSnapshot {
    return { sequence: this.#log.sequence, held: this.#namer.held() };
  }

  restart(): void {
    this.#namer.clear();
    this.#subscriber.restart();
    this.#log = new KvEventLog({ batchesMax: 1 });
  }

  close(): void {
    this.#subscriber.close();
  }

  checkIntegrity(): void {
    this.#namer.checkIntegrity();
    this.#log.checkIntegrity();
    assert(this.#namer.unnamed >= 0, "what has no name is counted");
  }

  #tell(events: readonly KvEvent[]): void {
    if (events.length > 0) this.#options.onBatch(this.#log.append(events));
  }
}
