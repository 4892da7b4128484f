// The whole engine against the simplest possible server: each request alone, on a fresh runner.
// Random traces of submits, cancels and failures over small memories, with prompts that share
// prefixes in every way; what finishes must equal the lonely run token by token, and at the end
// every block is accounted for.

import { assert, defined, LociError, Random } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { describe, expect, it } from "vitest";
import { Engine } from "./engine.ts";
import type { EngineEvent } from "./engine.ts";
import { HashRunner } from "./testing/hash-runner.ts";
import type { HashRunnerOptions } from "./testing/hash-runner.ts";
import { testRequest } from "./testing/requests.ts";

const eosTokenId = 7;

interface World {
  readonly random: Random;
  readonly runner: HashRunner;
  readonly engine: Engine;
  readonly requests: Map<string, GenerationRequest>;
  readonly outcomes: Map<string, Outcome>;
  readonly prompts: number[][];
}

interface Outcome {
  readonly tokens: number[];
  text: string;
  end: string | null;
}

function makeWorld(seed: number, options: HashRunnerOptions = {}): World {
  const random = new Random(seed);
  const runner = new HashRunner({
    blockTokens: random.integer(1, 5),
    blockCount: random.integer(6, 40),
    contextTokensMax: random.integer(20, 80),
    vocabularySize: random.integer(0, 3) === 0 ? 9 : 300,
    stepTokensMax: random.integer(4, 80),
    stepSlicesMax: random.integer(1, 9),
    eosTokenId,
    ...options,
  });
  const engine = new Engine({
    limits: runner.limits,
    tokenText: runner,
    options: {
      sequencesMax: random.integer(1, 9),
      queueRequestsMax: 20,
      targetStepMs: random.integer(0, 1) === 0 ? null : random.integer(1, 20),
    },
  });
  return { random, runner, engine, requests: new Map(), outcomes: new Map(), prompts: [] };
}

/** A new prompt, or an earlier one cut, extended, or repeated. */
function makePrompt({ random, runner, prompts, engine }: World): number[] {
  const lengthMax = engine.contextTokensMax - 1;
  const token = (): number => random.integer(0, runner.limits.vocabularySize - 1);
  const base = random.integer(0, 3) > 0 && prompts.length > 0 ? prompts : [[]];
  const start = defined(base[random.integer(0, base.length - 1)]);
  const kept = start.slice(0, random.integer(0, 1) === 0 ? start.length : random.integer(0, 40));
  const added = random.integer(kept.length === 0 ? 1 : 0, 12);
  const prompt = [...kept, ...Array.from({ length: added }, token)].slice(0, lengthMax);
  prompts.push(prompt);
  return prompt;
}

function submit(world: World, nowMs: number): void {
  const { random, engine, requests, outcomes } = world;
  const request = testRequest({
    prompt: makePrompt(world),
    tenant: `tenant ${random.integer(0, 1)}`,
    maxTokens: random.integer(1, 30),
    minTokens: random.integer(0, 3) === 0 ? 1 : 0,
    ignoreEos: random.integer(0, 4) === 0,
    stop: random.integer(0, 4) === 0 ? [`${random.integer(0, 9)}`] : [],
  });
  try {
    engine.submit(request, nowMs);
  } catch (error) {
    if (!(error instanceof LociError) || error.code !== "queue_full") throw error;
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    return;
  }
  requests.set(request.id, request);
  outcomes.set(request.id, { tokens: [], text: "", end: null });
}

function collect({ engine, outcomes, prompts, requests }: World): void {
  for (const entry of engine.takeEvents()) {
    const outcome = defined(outcomes.get(entry.requestId));
    assert(outcome.end === null, "nothing follows the end");
    apply(outcome, entry);
    if (outcome.end === null) continue;
    // The next turn of a conversation continues with the answer.
    const prompt = defined(requests.get(entry.requestId)).promptTokens;
    prompts.push([...prompt, ...outcome.tokens].slice(0, engine.contextTokensMax - 1));
  }
}

function apply(outcome: Outcome, entry: EngineEvent): void {
  if ("error" in entry) {
    outcome.end = `error ${entry.error.code}`;
    return;
  }
  const { event } = entry;
  if (event.type === "token") outcome.tokens.push(event.tokenId);
  if (event.type !== "started") outcome.text += event.text;
  if (event.type === "finished") outcome.end = describeEnd(event);
}

function describeEnd(event: Extract<GenerationEvent, { type: "finished" }>): string {
  return `${event.reason} ${event.stoppedBy} ${event.usage.completionTokens}`;
}

/** The same request alone on a fresh engine with ample memory, prompt in one piece. */
function aloneOutcome(world: World, request: GenerationRequest): Outcome {
  const { contextTokensMax } = world.engine;
  const { limits } = world.runner;
  const runner = new HashRunner({
    ...limits,
    blockCount: contextTokensMax,
    contextTokensMax,
    stepTokensMax: contextTokensMax,
    eosTokenId,
  });
  const engine = new Engine({ limits: runner.limits, tokenText: runner });
  engine.submit(request, 0);
  const outcome: Outcome = { tokens: [], text: "", end: null };
  for (let batch = engine.schedule(0); batch !== null; batch = engine.schedule(0)) {
    engine.commit(runner.run(batch), 0);
    for (const entry of engine.takeEvents()) apply(outcome, entry);
  }
  return outcome;
}

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
  engine.clearCache();
  expect(engine.snapshot().kvBlocksFree).toBe(runner.limits.blockCount);
  engine.checkIntegrity();
}

function checkOutcomes(world: World): { compared: number; cut: number } {
  let [compared, cut] = [0, 0];
  for (const [id, outcome] of world.outcomes) {
    expect(outcome.end).not.toBeNull();
    const expected = aloneOutcome(world, defined(world.requests.get(id)));
    const isCut = /^(?:cancelled|error)/u.test(outcome.end ?? "");
    const common = expected.tokens.slice(0, outcome.tokens.length);
    expect(outcome).toEqual(isCut ? { ...outcome, tokens: common } : expected);
    if (isCut) cut++;
    else compared++;
  }
  return { compared, cut };
}

describe("Engine under random traces", () => {
  it("answers every request as if it were alone", () => {
    let [compared, preemptions, cached] = [0, 0, 0];
    for (let seed = 0; seed < 80; seed++) {
      const world = makeWorld(seed);
      for (let step = 0; step < 60; step++) turn(world, step, 0);
      finish(world);
      compared += checkOutcomes(world).compared;
      preemptions += world.engine.snapshot().preemptions;
      cached += world.engine.snapshot().cachedTokens;
    }
    // The traces reach what they are meant to reach.
    expect(compared).toBeGreaterThan(800);
    expect(preemptions).toBeGreaterThan(50);
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
      const world = makeWorld(seed, { blockCount: 4000, stepTokensMax: 20 });
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
