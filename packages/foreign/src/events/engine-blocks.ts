// What a router is told an engine holds, in numbered batches and snapshots: as the engine itself tells
// (ToldBlocks), and before it does, or where it never does, as follows from what was sent there
// (AssumedCache). So a wrong or closed event port costs precision, not all affinity.

import { assert } from "@loci/core";
import type { Clock, KvEvent, KvEventBatch, KvSnapshot } from "@loci/core";
import { KvEventLog } from "@loci/router";
import { AssumedBlocks } from "./assumed-blocks.ts";
import type { AssumedCache, CacheUse, Sequence } from "./assumed-cache.ts";
import { toldUse } from "./assumed-cache.ts";
import { AssumedSlots } from "./assumed-slots.ts";
import type { EventSources } from "./event-subscriber.ts";
import type { TenantSalts } from "./tenant-salts.ts";
import { ToldBlocks } from "./told-blocks.ts";

export interface EngineBlocksOptions {
  /** Null: the engine publishes nothing. */
  readonly sources: EventSources | null;
  readonly blockTokens: number;
  /** Blocks of ours that the engine has room for. */
  readonly blocksMax: number;
  /** Of an engine that keeps whole sequences in slots; null: it shares blocks. */
  readonly slots: number | null;
  /** See ToldBlocks. */
  readonly engineBlocksMax: number;
  readonly salts: TenantSalts;
  readonly clock: Clock;
  readonly onBatch: (batch: KvEventBatch) => void;
}

export class EngineBlocks {
  readonly #onBatch: (batch: KvEventBatch) => void;
  readonly #assumed: AssumedCache;
  readonly #blockTokens: number;
  readonly #told: ToldBlocks | null;
  #hasTold = false;
  #log: KvEventLog = newLog();

  constructor(options: EngineBlocksOptions) {
    const { sources, blocksMax, blockTokens, slots } = options;
    this.#onBatch = options.onBatch;
    this.#blockTokens = blockTokens;
    const onAssumed = (events: readonly KvEvent[]): void => {
      if (!this.#hasTold) this.#append(events);
    };
    this.#assumed =
      slots === null
        ? new AssumedBlocks({ blocksMax, blockTokens, onEvents: onAssumed })
        : new AssumedSlots({
            slots,
            blockTokens,
            tokensMax: blocksMax * blockTokens,
            onEvents: onAssumed,
          });
    const onEvents = (events: readonly KvEvent[]): void => this.#onTold(events);
    this.#told = sources === null ? null : new ToldBlocks({ ...options, sources, onEvents });
    void this.#told?.run();
  }

  /** Number of the last batch that was told. */
  get sequence(): number {
    return this.#log.sequence;
  }

  /** Blocks held on the device. */
  get size(): number {
    return this.#source.size;
  }

  /** Of a prompt's blocks, by their names, how many of the first are held. */
  heldOf(names: Float64Array): number {
    return this.#source.heldOf(names);
  }

  /** A request with this prompt is sent. */
  send(prompt: Sequence): CacheUse {
    if (!this.#hasTold) return this.#assumed.send(prompt);
    return toldUse(this.heldOf(prompt.names) * this.#blockTokens);
  }

  snapshot(): KvSnapshot {
    return { sequence: this.#log.sequence, held: this.#source.held() };
  }

  /** The engine has restarted, and holds nothing; batches are numbered from 1 again. */
  restart(): void {
    this.#assumed.restart();
    this.#told?.restart();
    this.#log = newLog();
  }

  close(): void {
    this.#told?.close();
  }

  checkIntegrity(): void {
    assert(!this.#hasTold || this.#told !== null, "only who publishes has told anything");
    this.#assumed.checkIntegrity();
    this.#told?.checkIntegrity();
    this.#log.checkIntegrity();
  }

  get #source(): AssumedCache | ToldBlocks {
    return this.#hasTold && this.#told !== null ? this.#told : this.#assumed;
  }

  #onTold(events: readonly KvEvent[]): void {
    // From now on it speaks for itself; what it held before its first word, it does not say.
    const isFirst = !this.#hasTold;
    this.#hasTold = true;
    this.#append(isFirst ? [{ type: "cleared" }, ...events] : events);
  }

  #append(events: readonly KvEvent[]): void {
    if (events.length > 0) this.#onBatch(this.#log.append(events));
  }
}

/** Who misses a batch asks for a snapshot. */
function newLog(): KvEventLog {
  return new KvEventLog({ batchesMax: 1 });
}
