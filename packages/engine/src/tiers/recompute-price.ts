// What it takes to compute a block again, as the latency model sees it now. Asked for each block that
// may be given up, so the model's coefficients are kept until it learns something.

import type { LatencyCoefficients, LatencyModel } from "@loci/core";

export class RecomputePrice {
  readonly #model: LatencyModel;
  #observations = -1;
  #coefficients: LatencyCoefficients;

  constructor(model: LatencyModel) {
    this.#model = model;
    this.#coefficients = model.coefficients;
  }

  /** Seconds to compute a block's tokens again, as part of a larger step. */
  seconds(positionStart: number, tokens: number): number {
    const { observations } = this.#model;
    if (observations !== this.#observations) {
      this.#observations = observations;
      this.#coefficients = this.#model.coefficients;
    }
    const { secondsPerToken, secondsPerAttended } = this.#coefficients;
    return tokens * (secondsPerToken + secondsPerAttended * (positionStart + tokens / 2));
  }
}
