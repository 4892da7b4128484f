// Knows nothing of an answer but its limits: what an engine believes that was given no predictor.

import { LengthDistribution } from "@loci/predict";
import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";

export class UnknownLengths implements LengthPredictor {
  readonly name: string = "unknown";

  /** Every length within the limits is as likely as any other. */
  open({ tokensMin, tokensMax, ignoresEnd }: LengthQuery): LengthForecast {
    const low = ignoresEnd ? tokensMax : Math.min(Math.max(1, tokensMin), tokensMax);
    const distribution = LengthDistribution.uniform(low, tokensMax);
    return { distribution, observe: () => {}, close: () => {} };
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
