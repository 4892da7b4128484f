// How long a new request would wait before it starts: the prompts ahead of it at the device's
// speed, and, when all slots are taken, the answers that must end first at their usual length.

import type { LatencyModel, StepLoad } from "@loci/core";
import { prefillLoad } from "@loci/core";
import type { Scheduler } from "./scheduler.ts";

/** Assumed length of an answer until some have ended. */
const answerTokensPrior = 128;
/** Share of the newest answer in the running mean. */
const answerWeight = 0.05;
/** A usual chunk, whose price per token stands for prompts in general. */
const chunkTokens = 256;

export class WaitEstimate {
  readonly #model: LatencyModel;
  readonly #scheduler: Scheduler;
  readonly #sequencesMax: number;
  #answerTokens = answerTokensPrior;

  constructor(model: LatencyModel, scheduler: Scheduler, sequencesMax: number) {
    this.#model = model;
    this.#scheduler = scheduler;
    this.#sequencesMax = sequencesMax;
  }

  /** Learns the length of an answer that ended by itself. */
  observeAnswer(tokens: number): void {
    this.#answerTokens += answerWeight * (tokens - this.#answerTokens);
  }

  /** Expected seconds until a request that is submitted now would start. */
  seconds(): number {
    const { waiting, running } = this.#scheduler;
    let tokens = 0;
    let attended = 0;
    for (const request of running) {
      tokens += Math.max(0, request.tokensWanted - 1);
      attended += request.tokensKnown;
    }
    for (const request of waiting) tokens += request.tokensMissing;
    const perToken = this.#model.prefillSeconds(chunkTokens, chunkTokens) / chunkTokens;
    const excess = running.length + waiting.length + 1 - this.#sequencesMax;
    if (excess <= 0) return tokens * perToken;
    const step: StepLoad = {
      tokens: this.#sequencesMax,
      attended: attended + prefillLoad(1, 0).attended,
      sequences: this.#sequencesMax,
    };
    // A slot becomes free every answer's length / slots steps.
    const steps = (excess * this.#answerTokens) / this.#sequencesMax;
    return tokens * perToken + steps * this.#model.predictSeconds(step);
  }
}
