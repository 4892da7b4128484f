// What a request still asks of the device, in seconds of it: the prompt tokens that no cache has, and
// the answer at its expected length, each token with its share of the steps' fixed cost.

import { prefillLoad } from "@loci/core";
import type { LatencyCoefficients, LatencyModel } from "@loci/core";
import { missingTokens } from "../request-lists.ts";
import type { EngineRequest } from "../request.ts";

/** Share of the newest step in the running mean of sequences. */
const sequencesWeight = 0.05;

export class WorkEstimate {
  readonly #model: LatencyModel;
  #coefficients: LatencyCoefficients;
  #seenAt: number;
  /** Sequences that usually share a step; none was seen yet when `#steps` is 0. */
  #sequences = 1;
  #steps = 0;

  constructor(model: LatencyModel) {
    this.#model = model;
    this.#coefficients = model.coefficients;
    this.#seenAt = model.observations;
  }

  /** `count` sequences take part in a step. */
  observeSequences(count: number): void {
    this.#steps++;
    const weight = Math.max(sequencesWeight, 1 / this.#steps);
    this.#sequences += weight * (Math.max(1, count) - this.#sequences);
  }

  /** Changes when the price of work does. */
  get epoch(): number {
    this.#current();
    return this.#seenAt;
  }

  /** Seconds of the device until the request's expected end. */
  remainingSeconds(request: EngineRequest): number {
    const { forecast, generated, tokensKnown } = request;
    const answer = forecast.expectedRemaining(generated);
    return this.seconds(missingTokens(request), tokensKnown, answer);
  }

  /** Seconds for what its prompt still lacks. */
  promptSeconds(request: EngineRequest): number {
    const missing =
      request.state === "running" && request.tokensWanted === 1 ? 0 : missingTokens(request);
    return missing === 0 ? 0 : this.seconds(missing, request.tokensKnown, 0);
  }

  /** Seconds for `missing` prompt tokens of `known` and `answer` tokens after them. */
  seconds(missing: number, known: number, answer: number): number {
    const { secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence } =
      this.#current();
    const prompt = prefillLoad(missing, Math.max(0, known - missing));
    const fixed = secondsPerStep / this.#sequences + secondsPerSequence;
    const attended = prompt.attended + answer * (known + answer / 2);
    const tokens = missing + answer;
    return tokens * secondsPerToken + attended * secondsPerAttended + answer * fixed;
  }

  /** Coefficients change with every step, but slowly: they are read anew now and then. */
  #current(): LatencyCoefficients {
    const { observations } = this.#model;
    if (observations - this.#seenAt >= Math.min(32, Math.max(1, this.#seenAt))) {
      this.#seenAt = observations;
      this.#coefficients = this.#model.coefficients;
    }
    return this.#coefficients;
  }
}
