// For comparison: every answer is taken to be as long as it may be.

import { FixedForecast } from "./fixed-forecast.ts";
import { LengthDistribution } from "./length-distribution.ts";
import type { LengthForecast, LengthPredictor, LengthQuery } from "./length-predictor.ts";

export class WorstCasePredictor implements LengthPredictor {
  readonly name = "worst-case";

  open(query: LengthQuery): LengthForecast {
    return new FixedForecast(LengthDistribution.point(query.tokensMax));
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
