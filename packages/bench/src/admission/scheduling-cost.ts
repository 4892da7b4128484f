// What prediction and admission cost: the engine alone, between a runner that computes next to nothing, with
// many requests running and some waiting. The same engine that promises nothing and predicts
// nothing is the ground that the difference is measured from.

import { assert, greedySampling, type Clock } from "@loci/core";
import { Engine, HashRunner, type StepBatch } from "@loci/engine";
import { median } from "../measure/statistics.ts";
import { benchTenant, lengthsOf, type ArmName } from "./admission-arms.ts";
import type { AdmissionWorkload } from "./admission-workload.ts";

export interface CostShape {
  readonly running: number;
  readonly waiting: number;
  /** Steps that are timed once so many run. */
  readonly steps: number;
  readonly maxTokens: number;
}

export interface SchedulingCost {
  /** Submitting a request, and all steps until it runs, per request. */
  readonly requestMs: number;
  /** Planning a step and taking up its result, the middle of all. */
  readonly stepMs: number;
}

const stepsUntilAllRunMax = 10_000;

export function schedulingCost(
  arm: ArmName,
  workload: AdmissionWorkload,
  shape: CostShape,
  clock: Clock,
): SchedulingCost {
  const { running, waiting, maxTokens } = shape;
  const requests = running + waiting;
  assert(workload.waiting.length >= requests, "there are requests enough");
  const runner = roomyRunner(shape);
  const lengths = lengthsOf(arm, workload, { tokensMax: maxTokens, seed: 1 });
  const engine = new Engine({
    limits: runner.limits,
    tokenText: runner,
    options: { admission: arm, sequencesMax: running, queueRequestsMax: requests },
    ...(lengths !== null && { lengths }),
  });
  const timer = new EngineTimer(engine, runner, clock);
  const submitMs = timer.measure(() => {
    for (const [index, request] of workload.waiting.slice(0, requests).entries()) {
      engine.submit(requestOf(index, request, maxTokens), timer.nowMs);
    }
  });
  let startMs = 0;
  for (let step = 0; engine.snapshot().requestsRunning < running; step++) {
    assert(step < stepsUntilAllRunMax, "all come to run");
    startMs += timer.step();
  }
  const stepMs = median(Array.from({ length: shape.steps }, () => timer.step()));
  return { requestMs: submitMs / requests + startMs / running, stepMs };
}

/** Memory for all, so that nobody is preempted: what is measured is looking, not moving. */
function roomyRunner({ running, maxTokens }: CostShape): HashRunner {
  const blockTokens = 32;
  return new HashRunner({
    blockTokens,
    blockCount: 2 * running * Math.ceil((2 * maxTokens) / blockTokens),
    contextTokensMax: 4 * maxTokens,
    stepTokensMax: 4096,
    stepSlicesMax: running,
    // Larger than any model's. They all go on while steps are timed.
    vocabularySize: 2 ** 20,
    eosTokenId: null,
  });
}

function requestOf(
  index: number,
  { promptTokens, userText }: AdmissionWorkload["waiting"][number],
  maxTokens: number,
): Parameters<Engine["submit"]>[0] {
  return {
    id: String(index),
    tenant: benchTenant,
    promptTokens,
    userText,
    maxTokens,
    minTokens: 0,
    ignoreEos: false,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}

/** Times what the engine does, and not what the runner does. */
class EngineTimer {
  readonly #engine: Engine;
  readonly #runner: HashRunner;
  readonly #clock: Clock;
  /** The engine's own time: as long as the runner says that its steps took. */
  nowMs = 0;

  constructor(engine: Engine, runner: HashRunner, clock: Clock) {
    this.#engine = engine;
    this.#runner = runner;
    this.#clock = clock;
  }

  measure(action: () => void): number {
    const startMs = this.#clock.nowMs();
    action();
    return this.#clock.nowMs() - startMs;
  }

  /** One step; returns the milliseconds that the engine took for it. */
  step(): number {
    let batch: StepBatch | null = null;
    const planMs = this.measure(() => {
      batch = this.#engine.schedule(this.nowMs);
    });
    assert(batch !== null, "there is work");
    const result = this.#runner.run(batch);
    this.nowMs += result.durationMs;
    const commitMs = this.measure(() => this.#engine.commit(result, this.nowMs));
    this.#engine.takeEvents();
    return planMs + commitMs;
  }
}
