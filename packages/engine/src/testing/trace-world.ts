// A random life of an engine over a HashRunner: prompts that share prefixes in every way, submits and
// cancels, and the answer that each request would get from a server of its own.

import { assert, defined, LociError, Random } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import { expect } from "vitest";
import { admissionNames } from "../admission/admission-policy.ts";
import { Engine } from "../engine.ts";
import type { EngineParts } from "../engine-parts.ts";
import { schedulingNames } from "../order/waiting-order.ts";
import type { EngineEvent } from "../request-reports.ts";
import { KvMirror } from "./kv-mirror.ts";
import { HashRunner } from "./hash-runner.ts";
import type { HashRunnerOptions } from "./hash-runner.ts";
import { testRequest } from "./requests.ts";
import { WildPredictor } from "./wild-predictor.ts";

const eosTokenId = 7;

export interface World {
  readonly random: Random;
  runner: HashRunner;
  engine: Engine;
  readonly requests: Map<string, GenerationRequest>;
  readonly outcomes: Map<string, Outcome>;
  readonly prompts: number[][];
  /** Decides which requests were begun elsewhere, and how far they came. */
  readonly cuts: Random;
  /** What a router believes of the engine's blocks. */
  mirror: KvMirror;
}

interface Outcome {
  readonly tokens: number[];
  /** Of each token's event, and of the last one. */
  readonly texts: string[];
  end: string | null;
}

export function makeWorld(
  seed: number,
  options: HashRunnerOptions = {},
  parts: Partial<EngineParts> = {},
): World {
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
    reportsBlocks: true,
    lengths: new WildPredictor(new Random(seed)),
    ...parts,
    options: {
      sequencesMax: random.integer(1, 9),
      queueRequestsMax: 20,
      targetStepMs: random.integer(0, 1) === 0 ? null : random.integer(1, 20),
      admission: defined(admissionNames[random.integer(0, admissionNames.length - 1)]),
      scheduling: defined(schedulingNames[random.integer(0, schedulingNames.length - 1)]),
      ...parts.options,
    },
  });
  const cuts = new Random(seed);
  const logs = { requests: new Map(), outcomes: new Map(), prompts: [] };
  return { random, runner, engine, ...logs, cuts, mirror: new KvMirror() };
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

export function submit(world: World, nowMs: number): void {
  const { random, engine, requests, outcomes } = world;
  const whole = testRequest({
    prompt: makePrompt(world),
    tenant: `tenant ${random.integer(0, 1)}`,
    maxTokens: random.integer(1, 30),
    minTokens: random.integer(0, 3) === 0 ? 1 : 0,
    ignoreEos: random.integer(0, 4) === 0,
    stop: random.integer(0, 4) === 0 ? [`${random.integer(0, 9)}`] : [],
  });
  const outcome = begun(world, whole);
  const request = { ...whole, deliveredTokens: Int32Array.from(outcome.tokens) };
  try {
    engine.submit(request, nowMs);
  } catch (error) {
    if (!(error instanceof LociError) || error.code !== "queue_full") throw error;
    expect(error.retryAfterSeconds).toBeGreaterThan(0);
    return;
  }
  requests.set(request.id, whole);
  outcomes.set(request.id, outcome);
}

/** What another server has delivered of the answer already: mostly nothing. */
function begun(world: World, request: GenerationRequest): Outcome {
  if (world.cuts.integer(0, 5) > 0) return { tokens: [], texts: [], end: null };
  const { tokens, texts } = aloneOutcome(world, request);
  const count = world.cuts.integer(1, tokens.length);
  return { tokens: tokens.slice(0, count), texts: texts.slice(0, count), end: null };
}

export function collect({ engine, outcomes, prompts, requests, mirror }: World): void {
  mirror.follow(engine);
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
  if (event.type !== "started") outcome.texts.push(event.text);
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
  const outcome: Outcome = { tokens: [], texts: [], end: null };
  for (let batch = engine.schedule(0); batch !== null; batch = engine.schedule(0)) {
    engine.commit(runner.run(batch), 0);
    for (const entry of engine.takeEvents()) apply(outcome, entry);
  }
  return outcome;
}

export function checkOutcomes(world: World): { compared: number; cut: number } {
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
