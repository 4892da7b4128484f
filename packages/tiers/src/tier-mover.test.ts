import { systemClock } from "@loci/core";
import type { MoveOrder, MoveOutcome, RecoveredBlock } from "@loci/engine";
import { describe, expect, test } from "vitest";
import { type OpenTiersOptions, type Tiers, openTiers } from "./open-tiers.ts";
import { TierRig, type TierRigOptions, identityOf } from "./testing/tier-rig.ts";

class MoverRig extends TierRig {
  readonly options: TierRigOptions;
  tiers: Tiers | null = null;
  #orders = 0;

  constructor(options: TierRigOptions = {}) {
    super(options);
    this.options = options;
  }

  async open(options: Partial<OpenTiersOptions> = {}): Promise<Tiers> {
    this.tiers = await openTiers({
      pool: this.pool,
      fingerprint: this.shape.fingerprint,
      hostBytes: this.pool.blockBytes * 8,
      disk: { path: this.folder, bytesMax: 1024 ** 2, fsync: "never", freeBytesMin: 0 },
      clock: systemClock,
      transfer: this.options.mode === "portable" ? "portable" : "auto",
      layerDelayMs: this.options.layerDelayMs ?? 0,
      ...options,
    });
    return this.tiers;
  }

  async recovered(): Promise<RecoveredBlock[]> {
    const found: RecoveredBlock[] = [];
    for await (const batch of this.mover.recover()) found.push(...batch);
    return found;
  }

  get mover(): Tiers["mover"] {
    if (this.tiers === null) throw new Error("open the tiers first");
    return this.tiers.mover;
  }

  store(tier: "host" | "disk", seeds: readonly number[]): Promise<MoveOutcome> {
    for (const seed of seeds) this.fill(seed, seed);
    return this.order({
      kind: "store",
      tier,
      blocks: seeds.map((seed) => ({ block: seed, slot: seed, identity: identityOf(seed) })),
    });
  }

  /** Restores blocks stored by `store` into the blocks 8 further on. */
  restore(tier: "host" | "disk", gate: number, seeds: readonly number[]): Promise<MoveOutcome> {
    const blocks = seeds.map((seed) => ({
      slot: seed,
      block: seed + 8,
      identity: identityOf(seed),
    }));
    return this.order({ kind: "restore", tier, gate, blocks });
  }

  order(order: WithoutId): Promise<MoveOutcome> {
    return this.mover.execute({ ...order, id: this.#orders++ });
  }
}

type WithoutId = MoveOrder extends infer O ? (O extends MoveOrder ? Omit<O, "id"> : never) : never;

describe.each(["auto", "portable", "staged"] as const)("TierMover, %s", (mode) => {
  test("stores, demotes, restores and erases", async () => {
    using rig = new MoverRig({ mode });
    await rig.open();
    expect(rig.mover.tiers.map(({ name }) => name)).toEqual(["host", "disk"]);
    expect(await rig.recovered()).toEqual([]);
    expect(await rig.store("host", [1, 2, 3])).toMatchObject({ id: 0, failed: [] });
    const demoted = [1, 2].map((seed) => ({
      hostSlot: seed,
      diskSlot: seed,
      identity: identityOf(seed),
    }));
    expect(await rig.order({ kind: "demote", blocks: demoted })).toMatchObject({ failed: [] });
    for (const tier of ["host", "disk"] as const) {
      const outcome = await rig.restore(tier, 3, [1, 2]);
      expect(outcome.failed).toEqual([]);
      expect(outcome.durationMs).toBeGreaterThan(0);
      expect(rig.holds(9, 1) && rig.holds(10, 2)).toBe(true);
      rig.fill(9, 99);
      rig.fill(10, 99);
      expect(await rig.order({ kind: "erase", tier, slots: [1] })).toMatchObject({ failed: [] });
      expect(await rig.restore(tier, 3, [1, 2])).toMatchObject({ failed: [0] });
      expect(rig.gates.hasFailed(3)).toBe(true);
    }
    await rig.tiers?.close();
    expect(rig.tiers?.misses).toMatchObject({ empty: 2, foreign: 0 });
  });

  test("names the blocks that could not be moved, and moves the others", async () => {
    using rig = new MoverRig({ mode });
    await rig.open();
    await rig.recovered();
    await rig.store("host", [1, 2]);
    const blocks = [1, 5, 2].map((seed) => ({
      hostSlot: seed,
      diskSlot: seed,
      identity: identityOf(seed),
    }));
    expect(await rig.order({ kind: "demote", blocks })).toMatchObject({ failed: [1] });
    expect(await rig.restore("disk", 0, [1, 5, 2])).toMatchObject({ failed: [1] });
    await rig.tiers?.close();
  });

  test("keeps the disk's blocks, and no others, over a restart", async () => {
    using rig = new MoverRig({ mode });
    await rig.open();
    await rig.recovered();
    await rig.store("disk", [1, 2, 3]);
    await rig.store("host", [4]);
    await rig.order({ kind: "erase", tier: "disk", slots: [2] });
    await rig.tiers?.close();
    await rig.open();
    const found = await rig.recovered();
    expect(found).toEqual(
      [1, 3].map((seed) => ({ tier: "disk", slot: seed, identity: identityOf(seed) })),
    );
    expect(await rig.restore("disk", 0, [1, 2, 3])).toMatchObject({ failed: [1] });
    expect(rig.holds(9, 1) && rig.holds(11, 3)).toBe(true);
    await rig.tiers?.close();
  });

  test("fails every order once it is closed, and opens their gates", async () => {
    using rig = new MoverRig({ mode });
    await rig.open();
    await rig.recovered();
    await rig.tiers?.close();
    expect(await rig.store("host", [1, 2])).toMatchObject({ failed: [0, 1] });
    expect(await rig.restore("host", 4, [1])).toMatchObject({ failed: [0] });
    expect(rig.gates.hasFailed(4)).toBe(true);
    await rig.tiers?.close();
  });
});

test("a restore closes its gate at once, and passes the copies down that wait", async () => {
  using rig = new MoverRig({ layerDelayMs: 5 });
  // A clock whose timers never fire: a copy down waits for as long as the restore takes.
  await rig.open({ clock: { ...systemClock, after: () => () => {} } });
  await rig.recovered();
  await rig.store("host", [1, 2, 3]);
  rig.gates.advance(6, 1000);
  const ended: string[] = [];
  const note = (name: string) => (outcome: MoveOutcome) => {
    ended.push(name);
    return outcome;
  };
  const down = rig.store("disk", [1, 2, 3]).then(note("store"));
  const up = rig.restore("host", 6, [1, 2, 3]).then(note("restore"));
  expect(rig.gates.layersArrived(6)).toBeLessThanOrEqual(rig.pool.layers);
  expect((await Promise.all([down, up])).map(({ failed }) => failed)).toEqual([[], []]);
  expect(ended).toEqual(["restore", "store"]);
  expect([9, 10, 11].map((block) => rig.holds(block, block - 8))).toEqual([true, true, true]);
  await rig.tiers?.close();
});

test("an order that runs when the tiers are closed is finished first", async () => {
  using rig = new MoverRig();
  const tiers = await rig.open();
  await rig.recovered();
  const stored = rig.store("disk", [1, 2, 3, 4]);
  await tiers.close();
  expect(await stored).toMatchObject({ failed: [] });
});

test("without memory and disk there is nothing to move", async () => {
  using rig = new MoverRig();
  const tiers = await rig.open({ hostBytes: 0, disk: null });
  expect(tiers.mover.tiers).toEqual([]);
  expect(await rig.recovered()).toEqual([]);
  await tiers.close();
});
