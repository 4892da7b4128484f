// The engine with memories below the device, against the simplest possible server. Moves end late, in
// any order, and fail; steps overtake restores; the process restarts and finds its disk again. What
// finishes must equal the lonely run token by token, and every block and slot is accounted for.

import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import { plainHasher } from "./tiers/block-hasher.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import { KvMirror } from "./testing/kv-mirror.ts";
import { finish, makeTieredWorld, turn } from "./testing/tiered-world.ts";
import type { TieredWorld } from "./testing/tiered-world.ts";
import { checkOutcomes } from "./testing/trace-world.ts";
import type { World } from "./testing/trace-world.ts";

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
    for (let seed = 0; seed < 80; seed++) {
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
