// A random life of an engine with memories below the device: moves end late, in any order, and fail;
// steps overtake restores.

import { assert, defined, LociError, Random } from "@loci/core";
import type { RetentionPolicyName } from "../retention/retention-queue.ts";
import { plainHasher } from "../tiers/block-hasher.ts";
import { HashMover } from "./hash-mover.ts";
import type { HashRunnerOptions } from "./hash-runner.ts";
import { collect, makeWorld, submit } from "./trace-world.ts";
import type { World } from "./trace-world.ts";

const policies: readonly RetentionPolicyName[] = ["retention", "pensieve", "lru"];

export interface TieredWorld extends World {
  readonly mover: HashMover;
  readonly totals: { restored: number; recomputed: number; steps: number; gated: number };
}

export function makeTieredWorld(
  seed: number,
  failChance: number,
  runner: HashRunnerOptions = {},
): TieredWorld {
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
    { costMs, ...runner },
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

/** Time goes on by a step. */
export function turn(world: TieredWorld, nowMs: number, failChance: number): void {
  const { random, engine, runner, requests, totals } = world;
  if (world.cuts.integer(0, 40) === 0) forget(world);
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

/** Part of the cache is forgotten, or erased whoever uses it. */
function forget({ engine, cuts, prompts }: TieredWorld): void {
  const prompt = prompts[cuts.integer(0, Math.max(0, prompts.length - 1))] ?? [];
  const tokens = cuts.integer(0, 3) === 0 ? null : Int32Array.from(prompt);
  const tenant = `tenant ${cuts.integer(0, 1)}`;
  if (cuts.integer(0, 1) === 0) engine.cache.forgetCached(tenant, tokens);
  else engine.cache.erase(tenant, tokens === null ? null : { tokens, sharedTokens: 0 });
}

/** Until nothing is left to do. */
export function finish(world: TieredWorld, startMs: number): void {
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
