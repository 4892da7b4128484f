// The plainest predictor, to compare with: all recent answers, whoever asked for them, and nothing
// learned while an answer grows.

import {
  LengthDistribution,
  type LengthForecast,
  type LengthPredictor,
  type LengthQuery,
} from "@loci/predict";

const recentAnswers = 1000;

export class RunningMedian implements LengthPredictor {
  readonly name = "median";
  readonly #lengths: number[] = [];

  open(query: LengthQuery): LengthForecast {
    const { tokensMax, tokensMin } = query;
    const known =
      this.#lengths.length === 0
        ? LengthDistribution.uniform(1, tokensMax)
        : LengthDistribution.fromSamples(this.#lengths);
    const distribution = known.within(Math.max(1, tokensMin), tokensMax);
    return {
      distribution,
      observe: () => {},
      close: ({ tokens }) => {
        this.#lengths.push(tokens);
        if (this.#lengths.length > recentAnswers) this.#lengths.shift();
      },
    };
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
