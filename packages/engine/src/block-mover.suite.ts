// What every block mover must do, tested through the interface alone. Contents are told apart by a
// seed: what was stored from a block filled with a seed must come back as that seed.

import { assert } from "@loci/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type {
  BlockIdentity,
  BlockMover,
  MoveOrder,
  MoveOutcome,
  RecoveredBlock,
  TierName,
} from "./tiers/block-mover.ts";

/** A mover with a host and a durable disk tier of at least 8 slots, and a device of 16 blocks. */
export interface BlockMoverFixture {
  /** What moves now; another one after `restart`. */
  readonly mover: BlockMover;
  readonly blockTokens: number;
  /** Fills a block of the device with contents that follow from the seed. */
  fill(block: number, seed: number): void;
  /** Whether a block of the device holds what `fill` left with this seed. */
  holds(block: number, seed: number): boolean;
  /** The process ends and starts again: durable tiers stay. */
  restart(): Promise<void>;
  dispose(): Promise<void>;
}

const tiers: readonly TierName[] = ["host", "disk"];

/** Registers the tests. */
export function blockMoverConformance(name: string, make: () => Promise<BlockMoverFixture>): void {
  describe(`${name} as a BlockMover`, () => {
    let bench: Bench;
    beforeEach(async () => {
      bench = new Bench(await make());
      expect(await bench.recovered()).toEqual([]);
    });
    afterEach(() => bench.fixture.dispose());

    movesBlocks(() => bench);
    refusesWhatItCannotTrust(() => bench);
    survivesARestart(() => bench);
  });
}

function movesBlocks(bench: () => Bench): void {
  it("has the tiers it says, each with slots", () => {
    const facts = bench().fixture.mover.tiers;
    expect(facts.map((tier) => tier.name)).toEqual(tiers);
    expect(facts.map((tier) => tier.isDurable)).toEqual([false, true]);
    for (const { slotCount } of facts) expect(slotCount).toBeGreaterThanOrEqual(8);
  });

  it.each(tiers)("brings back from %s what was stored there, into any block", async (tier) => {
    const stored = await bench().store(tier, [1, 2, 3]);
    expect(stored.failed).toEqual([]);
    expect(stored.durationMs).toBeGreaterThanOrEqual(0);
    for (let block = 0; block < 4; block++) bench().fixture.fill(block, 99);
    const restored = await bench().restore(tier, [3, 1]);
    expect(restored.failed).toEqual([]);
    expect(bench().missing([3, 1])).toEqual([]);
  });

  it.each(tiers)("replaces in %s what a slot held", async (tier) => {
    await bench().store(tier, [1]);
    bench().fixture.fill(5, 50);
    const blocks = [{ block: 5, slot: 1, identity: bench().identity(50) }];
    expect((await bench().order((id) => ({ kind: "store", id, tier, blocks }))).failed).toEqual([]);
    expect((await bench().restore(tier, [1])).failed).toEqual([0]);
    const again = { slot: 1, block: 9, identity: bench().identity(50) };
    const restored = await bench().order((id) => restoreOrder(id, tier, [again]));
    expect(restored.failed).toEqual([]);
    expect(bench().fixture.holds(9, 50)).toBe(true);
  });

  it("passes blocks on from host memory to disk", async () => {
    await bench().store("host", [1, 2]);
    const blocks = [1, 2].map((seed) => ({
      hostSlot: seed,
      diskSlot: seed,
      identity: bench().identity(seed),
    }));
    expect((await bench().order((id) => ({ kind: "demote", id, blocks }))).failed).toEqual([]);
    expect((await bench().restore("disk", [2, 1])).failed).toEqual([]);
    expect(bench().missing([2, 1])).toEqual([]);
  });

  it("carries out orders given at once", async () => {
    const orders = tiers.map((tier) => bench().store(tier, [1, 2, 3, 4]));
    for (const outcome of await Promise.all(orders)) expect(outcome.failed).toEqual([]);
    const ids = orders.map((order) => order.then(({ id }) => id));
    expect(new Set(await Promise.all(ids)).size).toBe(ids.length);
    expect((await bench().restore("disk", [4, 3, 2, 1])).failed).toEqual([]);
    expect(bench().missing([4, 3, 2, 1])).toEqual([]);
  });
}

function refusesWhatItCannotTrust(bench: () => Bench): void {
  it.each(tiers)("names what is not in %s under that name, and moves the rest", async (tier) => {
    await bench().store(tier, [1, 2]);
    const right = { slot: 1, block: 8, identity: bench().identity(1) };
    const empty = { slot: 7, block: 9, identity: bench().identity(7) };
    const other = { ...bench().identity(2), tenantKey: "f".repeat(32) };
    const foreign = { slot: 2, block: 10, identity: other };
    const blocks = [foreign, right, empty];
    const outcome = await bench().order((id) => restoreOrder(id, tier, blocks));
    expect(new Set(outcome.failed)).toEqual(new Set([0, 2]));
    expect(bench().fixture.holds(8, 1)).toBe(true);
  });

  it.each(tiers)("forgets in %s what is erased, and nothing else", async (tier) => {
    await bench().store(tier, [1, 2, 3]);
    const erased = await bench().order((id) => ({ kind: "erase", id, tier, slots: [2] }));
    expect(erased.failed).toEqual([]);
    expect((await bench().restore(tier, [1, 2, 3])).failed).toEqual([1]);
    expect((await bench().restore(tier, [3, 1])).failed).toEqual([]);
  });
}

function survivesARestart(bench: () => Bench): void {
  it("finds after a restart what the disk kept, with its names, and not what was erased", async () => {
    await bench().store("host", [5]);
    await bench().store("disk", [1, 2, 3]);
    await bench().order((id) => ({ kind: "erase", id, tier: "disk", slots: [2] }));
    await bench().fixture.restart();
    const found = (await bench().recovered()).toSorted((one, other) => one.slot - other.slot);
    const expected = [1, 3].map((seed) => ({
      tier: "disk",
      slot: seed,
      identity: bench().identity(seed),
    }));
    expect(found).toEqual(expected);
    expect((await bench().restore("disk", [1, 3])).failed).toEqual([]);
    expect(bench().missing([1, 3])).toEqual([]);
    expect((await bench().restore("host", [5])).failed).toEqual([0]);
  });
}

function hex(value: number): string {
  return value.toString(16).padStart(32, "0");
}

function restoreOrder(
  id: number,
  tier: TierName,
  blocks: Extract<MoveOrder, { kind: "restore" }>["blocks"],
): MoveOrder {
  return { kind: "restore", id, tier, gate: 0, blocks };
}

class Bench {
  readonly fixture: BlockMoverFixture;
  #orders = 0;

  constructor(fixture: BlockMoverFixture) {
    this.fixture = fixture;
  }

  /** A name of its own for each seed; every third one is a partly filled block. */
  identity(seed: number): BlockIdentity {
    const { blockTokens } = this.fixture;
    const length = seed % 3 === 0 && blockTokens > 1 ? blockTokens - 1 : blockTokens;
    return {
      key: hex(seed + 1000),
      parentKey: hex(seed + 2000),
      tenantKey: hex(3000),
      depth: seed,
      tokens: Int32Array.from({ length }, (_, index) => seed * 100 + index),
    };
  }

  /** Stores blocks filled with the seeds into the slots of the same numbers. */
  store(tier: TierName, seeds: readonly number[]): Promise<MoveOutcome> {
    for (const seed of seeds) this.fixture.fill(seed, seed);
    const blocks = seeds.map((seed) => ({
      block: seed,
      slot: seed,
      identity: this.identity(seed),
    }));
    return this.order((id) => ({ kind: "store", id, tier, blocks }));
  }

  /** Restores into the blocks from 8 on. */
  restore(tier: TierName, seeds: readonly number[]): Promise<MoveOutcome> {
    const blocks = seeds.map((seed, place) => ({
      slot: seed,
      block: 8 + place,
      identity: this.identity(seed),
    }));
    return this.order((id) => restoreOrder(id, tier, blocks));
  }

  /** Those of the seeds that `restore` did not bring back. */
  missing(seeds: readonly number[]): number[] {
    return seeds.filter((seed, place) => !this.fixture.holds(8 + place, seed));
  }

  async order(make: (id: number) => MoveOrder): Promise<MoveOutcome> {
    this.#orders++;
    const id = this.#orders;
    const outcome = await this.fixture.mover.execute(make(id));
    assert(outcome.id === id, "an outcome names its order");
    return outcome;
  }

  async recovered(): Promise<RecoveredBlock[]> {
    const found: RecoveredBlock[] = [];
    for await (const batch of this.fixture.mover.recover()) found.push(...batch);
    return found;
  }
}
