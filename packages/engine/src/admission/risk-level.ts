// How much risk of running out of memory pays, in seconds.
//
// Admitting one request more saves the share of a step's fixed cost that its tokens would else carry:
// gain = expected tokens × fixed seconds ÷ sequences. When memory runs out after all, somebody is
// rescued: loss = seconds of a rescue, as measured. The best quantile of demand to hold memory for is
// the newsvendor's: loss ÷ (loss + gain). Both come from the latency model and from what happened.

import type { LatencyModel } from "@loci/core";

/** Share of the newest rescue in the running mean. */
const rescueWeight = 0.1;
/** Below the median, memory would be short more often than not; above, a normal tail means little. */
const quantileMin = 0.02;
const quantileMax = 0.999;

export class RiskLevel {
  readonly #model: LatencyModel;
  #rescueSeconds: number | null = null;

  constructor(model: LatencyModel) {
    this.#model = model;
  }

  /** A rescue cost so much. */
  observeRescue(seconds: number): void {
    const before = this.#rescueSeconds ?? seconds;
    this.#rescueSeconds = before + rescueWeight * (seconds - before);
  }

  /** Seconds that a rescue costs: measured, or computing `tokens` tokens again until one was. */
  rescueSeconds(tokens: number): number {
    return this.#rescueSeconds ?? this.#model.prefillSeconds(Math.max(1, tokens), 0);
  }

  /**
   * The quantile of demand to hold memory for when a request that expects `answerTokens` joins
   * `sequences` others; `tokens` is what a rescue would compute again.
   */
  quantile(answerTokens: number, sequences: number, tokens: number): number {
    const { secondsPerStep } = this.#model.coefficients;
    const gain = (answerTokens * secondsPerStep) / Math.max(1, sequences);
    const loss = this.rescueSeconds(tokens);
    const best = loss > 0 ? loss / (loss + gain) : quantileMin;
    return Math.min(quantileMax, Math.max(quantileMin, best));
  }
}

/** Standard deviations above the mean of a normal distribution; `probability` in (0, 1). */
export function normalQuantile(probability: number): number {
  // Abramowitz and Stegun 26.2.23; absolute error below 4.5e-4, ample for a risk level.
  const tail = Math.min(probability, 1 - probability);
  const t = Math.sqrt(-2 * Math.log(tail));
  const upper = 2.515517 + t * (0.802853 + t * 0.010328);
  const lower = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  const deviation = t - upper / lower;
  return probability < 0.5 ? -deviation : deviation;
}
