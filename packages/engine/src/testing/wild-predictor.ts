// A length predictor that is as wrong as can be, by chance: too short, too long, certain of it or
// vague. Whatever it says, answers must stay what they are and nobody may starve.

import type { Random } from "@loci/core";
import { LengthDistribution } from "@loci/predict";
import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";

export class WildPredictor implements LengthPredictor {
  readonly name: string = "wild";
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  open({ tokensMax }: LengthQuery): LengthForecast {
    const random = this.#random;
    const guess = (): LengthDistribution => {
      const low = random.integer(1, tokensMax);
      const isCertain = random.integer(0, 1) === 0;
      if (isCertain) return LengthDistribution.point(Math.min(low, random.integer(1, 6)));
      return LengthDistribution.uniform(low, random.integer(low, tokensMax));
    };
    let distribution = guess();
    return {
      get distribution() {
        return distribution;
      },
      observe: () => {
        if (random.integer(0, 9) === 0) distribution = guess();
      },
      close: () => {},
    };
  }

  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
