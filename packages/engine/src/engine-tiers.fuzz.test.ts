// The engine with memories below the device, against the simplest possible server. Moves end late, in
// any order, and fail; steps overtake restores; the process restarts and finds its disk again. What
// finishes must equal the lonely run token by token, and every block and slot is accounted for.

import { assert, defined, LociError, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import type { RetentionPolicyName } from "./retention/retention-queue.ts";
import { plainHasher } from "./tiers/block-hasher.ts";
import { KvMirror } from "./testing/kv-mirror.ts";
import { HashMover } from "./testing/hash-mover.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { checkOutcomes, collect, makeWorld, submit } from "./testing/trace-world.ts";
import type { World } from "./testing/trace-world.ts";

const policies: readonly RetentionPolicyName[] = ["retention", "pensieve", "lru"];

interface TieredWorld extends World {
  readonly mover: HashMover;
  readonly totals: { restored: number; recomputed: number; steps: number; gated: number };
}

function makeTieredWorld(seed: number, failChance: number): TieredWorld {
  const random = new Random(seed ^ 0x5eed);
  const all = [
    { name: "host", slotCount: random.integer(1, 20), isDurable: false },
    { name: "disk", slotCount: random.integer(1, 60), isDurable: true },
  ] as const;
  const kept = defined([all, [all[0]], [all[1]]][random.integer(0, 2)]);
  // Slow steps make restoring worth while; slow moves keep requests waiting.
  const costMs = [1, random.integer(1, 50), 0.01] as const;
  const eviction = defined(policies[random.integer(0, 2)]);
  const world = makeWorld(
    seed,
    { costMs },
    {
      options: { eviction, aheadShare: random.next() },
      tiers: { tiers: kept, hasher: plainHasher, blockBytes: 1000 },
    },
  );
  const mover = new HashMover(world.runner, {
    tiers: kept,
    msPerBlock: random.integer(0, 3) === 0 ? 100 : 0.01,
    fails: () => random.next() < failChance,
  });
  const totals = { restored: 0, recomputed: 0, steps: 0, gated: 0 };
  return Object.assign(world, { mover, totals });
}

/** Hands orders over and lets some of them end, in any order. */
function move(world: TieredWorld, all: boolean): void {
  const { engine, mover, random } = world;
  for (const order of engine.takeOrders()) mover.submit(order);
  for (const outcome of mover.takeEnded()) engine.moved(outcome);
  for (const { id } of mover.pending) {
    if (!all && random.integer(0, 2) > 0) continue;
    const outcome = mover.end(id);
    if (outcome !== null) engine.moved(outcome);
  }
}

function turn(world: TieredWorld, nowMs: number, failChance: number): void {
  const { random, engine, runner, requests, totals } = world;
  if (random.integer(0, 2) === 0) submit(world, nowMs);
  if (random.integer(0, 30) === 0 && requests.size > 0) {
    const ids = [...requests.keys()];
    engine.cancel(defined(ids[random.integer(0, ids.length - 1)]), nowMs);
  }
  const batch = engine.schedule(nowMs);
  move(world, false);
  if (batch !== null) {
    totals.steps++;
    if ((batch.gates ?? []).length > 0) totals.gated++;
    if (random.next() < failChance) {
      if (random.integer(0, 1) === 0) runner.run(batch);
      engine.fail(new LociError("unavailable", "The device failed."), nowMs);
    } else engine.commit(runner.run(batch), nowMs);
  }
  collect(world);
  if (random.integer(0, 9) === 0) engine.checkIntegrity();
}

function finish(world: TieredWorld, startMs: number): void {
  const { engine, runner } = world;
  let nowMs = startMs;
  for (let turns = 0; !engine.isIdle || !engine.isSettled; turns++) {
    assert(turns < 10_000, "the engine comes to an end");
    nowMs += 100;
    const batch = engine.schedule(nowMs);
    move(world, true);
    if (batch !== null) engine.commit(runner.run(batch), nowMs);
    collect(world);
  }
  engine.checkIntegrity();
  const { kvDevice, kvTiers } = engine.snapshot();
  world.totals.restored += (kvTiers ?? []).reduce((sum, tier) => sum + tier.restoredTokens, 0);
  world.totals.recomputed += kvDevice?.recomputedTokens ?? 0;
}

/** The process ends and starts again with the same disk. */
function restart(world: TieredWorld, options: Engine["options"]): void {
  world.runner = new HashRunner({ ...world.runner.limits, eosTokenId: 7 });
  world.mover.restart(world.runner);
  world.engine = new Engine({
    limits: world.runner.limits,
    tokenText: world.runner,
    reportsBlocks: true,
    options,
    tiers: { tiers: world.mover.tiers, hasher: plainHasher, blockBytes: 1000 },
  });
  world.engine.adopt(world.mover.recovered());
  world.mirror = new KvMirror();
  if (world.random.integer(0, 1) === 0) world.engine.nameRecovered(["tenant 0"]);
  world.engine.checkIntegrity();
}

describe("Engine with tiers under random traces", () => {
  it("answers every request as if it were alone", () => {
    const sums = { compared: 0, restored: 0, recomputed: 0, gated: 0, foreign: 0 };
    for (let seed = 0; seed < 120; seed++) {
      const world = makeTieredWorld(seed, 0);
      for (let step = 0; step < 80; step++) turn(world, step * 10, 0);
      finish(world, 1000);
      const { mirror, engine, prompts } = world;
      for (const prompt of prompts) mirror.assertMatches(engine, "tenant 0", prompt);
      sums.compared += checkOutcomes(world).compared;
      sums.restored += world.totals.restored;
      sums.recomputed += world.totals.recomputed;
      sums.gated += world.totals.gated;
      sums.foreign += world.mover.foreign;
    }
    expect(sums.foreign).toBe(0);
    expect(sums.compared).toBeGreaterThan(1000);
    expect(sums.restored).toBeGreaterThan(1000);
    expect(sums.recomputed).toBeGreaterThan(100);
    expect(sums.gated).toBeGreaterThan(50);
  });

  it("never serves what a failed move or step left behind", () => {
    let compared = 0;
    for (let seed = 500; seed < 580; seed++) {
      const world = makeTieredWorld(seed, 0.2);
      for (let step = 0; step < 80; step++) turn(world, step * 10, 0.05);
      finish(world, 1000);
      compared += checkOutcomes(world).compared;
    }
    expect(compared).toBeGreaterThan(500);
  });

  it("finds after a restart what the disk kept, whatever was under way", () => {
    let [compared, restored] = [0, 0];
    for (let seed = 900; seed < 960; seed++) {
      const world = makeTieredWorld(seed, 0.05);
      const { options } = world.engine;
      for (let life = 0; life < 3; life++) {
        for (let step = 0; step < 40; step++) turn(world, step * 10, 0);
        if (life === 2) break;
        // Requests under way end with the process.
        for (const [id, outcome] of world.outcomes) if (outcome.end === null) forget(world, id);
        restart(world, options);
      }
      finish(world, 1000);
      restored += world.totals.restored;
      compared += checkOutcomes(world).compared;
    }
    expect(compared).toBeGreaterThan(300);
    expect(restored).toBeGreaterThan(300);
  });
});

function forget(world: World, id: string): void {
  world.outcomes.delete(id);
  world.requests.delete(id);
}
