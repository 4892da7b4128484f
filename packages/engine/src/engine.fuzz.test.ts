// The whole engine against the simplest possible server: each request alone, on a fresh runner.
// Random traces of submits, cancels and failures over small memories, with prompts that share
// prefixes in every way; what finishes must equal the lonely run token by token, and at the end
// every block is accounted for.

import { assert, defined, LociError } from "@loci/core";
import { describe, expect, it } from "vitest";
import { checkOutcomes, collect, makeWorld, submit } from "./testing/trace-world.ts";
import type { World } from "./testing/trace-world.ts";

function turn(world: World, nowMs: number, failChance: number): void {
  const { random, engine, runner, requests } = world;
  if (random.integer(0, 2) === 0) submit(world, nowMs);
  const cancelSome = (): void => {
    if (random.integer(0, 30) > 0 || requests.size === 0) return;
    const ids = [...requests.keys()];
    engine.cancel(defined(ids[random.integer(0, ids.length - 1)]), nowMs);
  };
  cancelSome();
  const batch = engine.schedule(nowMs);
  if (batch !== null) {
    if (random.integer(0, 9) === 0) submit(world, nowMs);
    cancelSome();
    if (random.next() < failChance) {
      // Half of the failures come after the device has written.
      if (random.integer(0, 1) === 0) runner.run(batch);
      engine.fail(new LociError("unavailable", "The device failed."), nowMs);
    } else engine.commit(runner.run(batch), nowMs);
  }
  collect(world);
  if (random.integer(0, 9) === 0) engine.checkIntegrity();
}

function finish(world: World): void {
  const { engine, runner } = world;
  let turns = 0;
  for (let batch = engine.schedule(0); batch !== null; batch = engine.schedule(0)) {
    engine.commit(runner.run(batch), 0);
    collect(world);
    assert(++turns < 10_000, "the engine comes to an end");
  }
  collect(world);
  engine.checkIntegrity();
  expect(engine.isIdle).toBe(true);
  for (const prompt of world.prompts) world.mirror.assertMatches(engine, "tenant 1", prompt);
  engine.clearCache();
  collect(world);
  expect(engine.heldBlocks().every(({ blocks }) => blocks.length === 0)).toBe(true);
  expect(engine.snapshot().kvBlocksFree).toBe(runner.limits.blockCount);
  engine.checkIntegrity();
}

describe("Engine under random traces", () => {
  it("answers every request as if it were alone", () => {
    let [compared, preemptions, waited, cached] = [0, 0, 0, 0];
    for (let seed = 0; seed < 80; seed++) {
      const world = makeWorld(seed);
      for (let step = 0; step < 60; step++) turn(world, step, 0);
      finish(world);
      compared += checkOutcomes(world).compared;
      preemptions += world.engine.snapshot().preemptions;
      waited += world.engine.snapshot().rescues?.waited ?? 0;
      cached += world.engine.snapshot().cachedTokens;
    }
    // The traces reach what they are meant to reach.
    expect(compared).toBeGreaterThan(800);
    expect(preemptions).toBeGreaterThan(15);
    expect(waited).toBeGreaterThan(5);
    expect(cached).toBeGreaterThan(2000);
  });

  it("never serves what a failed step computed", () => {
    let cut = 0;
    for (let seed = 1000; seed < 1045; seed++) {
      const world = makeWorld(seed);
      for (let step = 0; step < 60; step++) turn(world, step, 0.2);
      finish(world);
      cut += checkOutcomes(world).cut;
    }
    expect(cut).toBeGreaterThan(70);
  });

  it("lets no answer pause while there is memory, whatever else is going on", () => {
    let pairs = 0;
    for (let seed = 2000; seed < 2020; seed++) {
      // S³ alone sends who outgrew its reservation back although there is memory.
      const options = { admission: "predicted" } as const;
      const world = makeWorld(seed, { blockCount: 4000, stepTokensMax: 20 }, { options });
      world.runner.keepBatches = 2;
      let before = new Set<string>();
      for (let step = 0; step < 80; step++) {
        const { batches } = world.runner;
        const last = batches.at(-1);
        turn(world, step, 0);
        const batch = batches.at(-1);
        if (batch === last || batch === undefined) continue;
        const present = new Set(batch.slices.map(({ requestId }) => requestId));
        for (const id of before) {
          const wasCancelled = world.outcomes.get(id)?.end?.startsWith("cancelled") === true;
          assert(present.has(id) || wasCancelled, "who decodes takes part in every step");
        }
        const sampling = batch.slices.filter(({ sample }) => sample !== null);
        const ids = sampling.map(({ requestId }) => requestId);
        before = new Set(ids.filter((id) => world.outcomes.get(id)?.end === null));
        pairs += before.size;
      }
      finish(world);
    }
    expect(pairs).toBeGreaterThan(700);
  });
});
