// For comparison, in simulations and tests that know the answers: the exact length.

import { allowed, FixedForecast } from "./fixed-forecast.ts";
import { LengthDistribution } from "./length-distribution.ts";
import type { LengthForecast, LengthPredictor, LengthQuery } from "./length-predictor.ts";

export class OraclePredictor implements LengthPredictor {
  readonly name = "oracle";
  readonly #tokensOf: (query: LengthQuery) => number;

  /** `tokensOf` gives the length that the answer will have if nothing cuts it. */
  constructor(tokensOf: (query: LengthQuery) => number) {
    this.#tokensOf = tokensOf;
  }

  open(query: LengthQuery): LengthForecast {
    const tokens = query.ignoresEnd ? query.tokensMax : this.#tokensOf(query);
    return new FixedForecast(allowed(LengthDistribution.point(tokens), query));
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
