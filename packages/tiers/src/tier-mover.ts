// Carries out the engine's orders over the tiers. Restores have a lane of their own and go before
// everything else: whatever copies blocks down stops between two blocks while one is under way.
// All other orders of one tier run one after the other in the order they came, so an erase never
// overtakes the store before it, and copies to memory do not queue behind those to a slow disk.

import { type Clock, assert, sleep } from "@loci/core";
import type {
  BlockMover,
  DemoteOrder,
  EraseOrder,
  MoveOrder,
  MoveOutcome,
  RecoveredBlock,
  RestoreOrder,
  StoreOrder,
  TierFacts,
  TierName,
} from "@loci/engine";
import type { KvPool } from "@loci/ggml";
import type { DiskTier } from "./disk/disk-tier.ts";
import { Lane } from "./lane.ts";
import type { MemoryTier } from "./memory-tier.ts";
import type { MissCounts } from "./miss-counts.ts";
import type { Tier, TierResult } from "./tier.ts";

/** Restores at the same time: a native one takes a thread of the pool that steps compute on too. */
const restoresMax = 2;
const restoresWaitingMax = 1024;
const othersWaitingMax = 4096;
/** A copy down waits no longer than this for restores, for each block. */
const yieldMsMax = 50;

export interface TierMoverParts {
  readonly pool: KvPool;
  readonly host: MemoryTier | null;
  readonly disk: DiskTier | null;
  readonly misses: MissCounts;
  readonly clock: Clock;
}

export class TierMover implements BlockMover {
  readonly tiers: readonly TierFacts[];
  readonly #parts: TierMoverParts;
  readonly #restores = new Lane({ runningMax: restoresMax, waitingMax: restoresWaitingMax });
  readonly #others: Readonly<Record<TierName, Lane>> = {
    host: new Lane({ runningMax: 1, waitingMax: othersWaitingMax }),
    disk: new Lane({ runningMax: 1, waitingMax: othersWaitingMax }),
  };
  #isClosed = false;

  constructor(parts: TierMoverParts) {
    this.#parts = parts;
    const { host, disk } = parts;
    this.tiers = [host, disk].flatMap((tier) => (tier === null ? [] : [tier.facts]));
  }

  async *recover(): AsyncIterable<readonly RecoveredBlock[]> {
    if (this.#parts.disk !== null) yield* this.#parts.disk.recover();
  }

  /** A restore's gate is closed before this returns, or before the next step where one is under way. */
  execute(order: MoveOrder): Promise<MoveOutcome> {
    if (order.kind === "restore") return this.#executeRestore(order);
    const lane = this.#others[order.kind === "demote" ? "disk" : order.tier];
    const outcome = this.#isClosed ? null : lane.run(() => this.#carryOut(order));
    return outcome ?? Promise.resolve(allFailed(order));
  }

  /** Lets orders under way finish, then closes the tiers. Later orders fail. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#restores.idle();
    await this.#others.host.idle();
    await this.#others.disk.idle();
    await this.#parts.host?.close();
    await this.#parts.disk?.close();
  }

  async #executeRestore(order: RestoreOrder): Promise<MoveOutcome> {
    const { gates } = this.#parts.pool;
    const closed = Promise.withResolvers<void>();
    let isClosed = false;
    gates.close(order.gate, () => {
      isClosed = true;
      closed.resolve();
    });
    if (!isClosed) await closed.promise;
    const outcome = this.#isClosed ? null : this.#restores.run(() => this.#restore(order));
    if (outcome !== null) return outcome;
    gates.fail(order.gate);
    return allFailed(order);
  }

  async #restore({ id, tier, gate, blocks }: RestoreOrder): Promise<MoveOutcome> {
    const { clock, pool } = this.#parts;
    const startedMs = clock.nowMs();
    try {
      const wanted = blocks.map(({ slot, block, identity }) => ({
        slot,
        identity,
        target: this.#parts.pool.blockAt(block),
      }));
      const results = await this.#tier(tier).read(wanted, gate);
      return this.#outcome(id, results, clock.nowMs() - startedMs);
    } catch (error) {
      // Whoever waits at the gate must not wait for ever.
      pool.gates.fail(gate);
      throw error;
    }
  }

  #carryOut(order: StoreOrder | DemoteOrder | EraseOrder): Promise<MoveOutcome> {
    if (order.kind === "store") return this.#store(order);
    return order.kind === "demote" ? this.#demote(order) : this.#erase(order);
  }

  #store({ id, tier, blocks }: StoreOrder): Promise<MoveOutcome> {
    return this.#eachBlock(id, blocks, ({ block, slot, identity }) =>
      this.#tier(tier).write({
        slot,
        identity,
        source: this.#parts.pool.blockAt(block),
        checksumsKnown: null,
      }),
    );
  }

  #demote({ id, blocks }: DemoteOrder): Promise<MoveOutcome> {
    const { host, disk } = this.#parts;
    assert(host !== null && disk !== null, "both tiers of a demotion are there");
    return this.#eachBlock(id, blocks, async ({ hostSlot, diskSlot, identity }) => {
      const held = host.held(hostSlot, identity);
      if (held === null) return "foreign";
      const { address: source, checksums: checksumsKnown } = held;
      return disk.write({ slot: diskSlot, identity, source, checksumsKnown });
    });
  }

  async #erase({ id, tier, slots }: EraseOrder): Promise<MoveOutcome> {
    const { clock } = this.#parts;
    const startedMs = clock.nowMs();
    const left = new Set(await this.#tier(tier).erase(slots));
    const failed = [...slots.keys()].filter((place) => left.has(slots[place] ?? -1));
    return { id, failed, durationMs: clock.nowMs() - startedMs };
  }

  async #eachBlock<B>(
    id: number,
    blocks: readonly B[],
    move: (block: B) => Promise<TierResult>,
  ): Promise<MoveOutcome> {
    const { clock } = this.#parts;
    const results: TierResult[] = [];
    let durationMs = 0;
    for (const block of blocks) {
      await this.#yieldToRestores();
      const startedMs = clock.nowMs();
      results.push(await move(block));
      durationMs += clock.nowMs() - startedMs;
    }
    return this.#outcome(id, results, durationMs);
  }

  async #yieldToRestores(): Promise<void> {
    if (this.#restores.isIdle) return;
    await Promise.race([this.#restores.idle(), sleep(this.#parts.clock, yieldMsMax)]);
  }

  #outcome(id: number, results: readonly TierResult[], durationMs: number): MoveOutcome {
    const failed: number[] = [];
    for (const [place, result] of results.entries()) {
      this.#parts.misses.add(result);
      if (result !== "moved") failed.push(place);
    }
    return { id, failed, durationMs };
  }

  #tier(name: TierName): Tier {
    const tier = name === "host" ? this.#parts.host : this.#parts.disk;
    assert(tier !== null, "the tier of the order is there");
    return tier;
  }
}

function allFailed(order: MoveOrder): MoveOutcome {
  const places = order.kind === "erase" ? order.slots : order.blocks;
  return { id: order.id, failed: [...places.keys()], durationMs: 0 };
}
