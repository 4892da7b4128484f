// An engine with a hash runner under a virtual clock, for tests that watch it step by step.

import { assert, defined } from "@loci/core";
import type { GenerationEvent, LociError } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { Engine } from "../engine.ts";
import type { EngineOptions } from "../options.ts";
import type { StepBatch } from "../runner.ts";
import { HashRunner } from "./hash-runner.ts";
import type { HashRunnerOptions } from "./hash-runner.ts";
import { testRequest } from "./requests.ts";
import type { TestRequest } from "./requests.ts";

export interface EngineBenchOptions {
  readonly runner?: HashRunnerOptions;
  readonly engine?: Partial<EngineOptions>;
  readonly lengths?: LengthPredictor;
}

/** Ample memory and context, blocks of 32 tokens, one millisecond per token. */
const roomy: HashRunnerOptions = {
  blockTokens: 32,
  blockCount: 1024,
  contextTokensMax: 16_384,
  stepTokensMax: 1024,
  stepSlicesMax: 64,
  costMs: [10, 1, 0.0001],
};

export class EngineBench {
  readonly runner: HashRunner;
  readonly engine: Engine;
  readonly events: Map<string, GenerationEvent[]> = new Map();
  readonly errors: Map<string, LociError> = new Map();
  /** Durations of the steps so far. */
  readonly stepsMs: number[] = [];
  nowMs = 0;

  constructor(options: EngineBenchOptions = {}) {
    this.runner = new HashRunner({ ...roomy, ...options.runner });
    this.engine = new Engine({
      limits: this.runner.limits,
      tokenText: this.runner,
      ...(options.engine && { options: options.engine }),
      ...(options.lengths && { lengths: options.lengths }),
    });
  }

  /** Submits a request and returns its id. */
  submit(parts: TestRequest = {}): string {
    const request = testRequest(parts);
    this.engine.submit(request, this.nowMs);
    return request.id;
  }

  /** One step; null when there was nothing to do. */
  step(): StepBatch | null {
    const batch = this.engine.schedule(this.nowMs);
    if (batch !== null) this.commit(batch);
    this.#collect();
    return batch;
  }

  commit(batch: StepBatch): void {
    const result = this.runner.run(batch);
    this.nowMs += result.durationMs;
    this.stepsMs.push(result.durationMs);
    this.engine.commit(result, this.nowMs);
    this.#collect();
  }

  /** Steps until nothing is left to do; returns the batches. */
  finish(stepsMax = 20_000): StepBatch[] {
    const batches: StepBatch[] = [];
    for (let batch = this.step(); batch !== null; batch = this.step()) {
      batches.push(batch);
      assert(batches.length < stepsMax, "the engine comes to an end");
    }
    this.engine.checkIntegrity();
    return batches;
  }

  eventsOf(id: string): readonly GenerationEvent[] {
    this.#collect();
    return this.events.get(id) ?? [];
  }

  finished(id: string): Extract<GenerationEvent, { type: "finished" }> {
    const last = defined(this.eventsOf(id).at(-1), "the request has events");
    assert(last.type === "finished", "the request has finished");
    return last;
  }

  hasStarted(id: string): boolean {
    return this.eventsOf(id).length > 0;
  }

  hasToken(id: string): boolean {
    return this.eventsOf(id).some(({ type }) => type === "token");
  }

  #collect(): void {
    for (const entry of this.engine.takeEvents()) {
      if ("error" in entry) this.errors.set(entry.requestId, entry.error);
      else {
        const events = this.events.get(entry.requestId) ?? [];
        events.push(entry.event);
        this.events.set(entry.requestId, events);
      }
    }
  }
}

/** Token ids that depend on `seed`; equal seeds share prefixes. */
export function promptOf(length: number, seed = 0): number[] {
  return Array.from({ length }, (_, index) => (seed * 131 + index * 7) % 997);
}
