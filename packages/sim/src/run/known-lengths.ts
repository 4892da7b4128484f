// A predictor that is told the truth by whoever made the workload, exactly or with a given error: the
// oracle of the experiments. Requests are known by the very array of their prompt's tokens.

import { LengthDistribution } from "@loci/predict";
import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";

/** Knows the length of every answer that it was told. */
export class KnownLengths implements LengthPredictor {
  readonly name: string = "oracle";
  readonly #lengths = new WeakMap<Int32Array, number>();

  /** Says how long the answer to a prompt will be. */
  tell(promptTokens: Int32Array, answerTokens: number): void {
    this.#lengths.set(promptTokens, answerTokens);
  }

  /** See LengthPredictor. */
  open({ promptTokens, tokensMin, tokensMax }: LengthQuery): LengthForecast {
    const known = this.#lengths.get(promptTokens) ?? tokensMax;
    const low = Math.max(1, tokensMin);
    const distribution = LengthDistribution.point(Math.min(tokensMax, Math.max(low, known)));
    return { distribution, observe: () => {}, close: () => {} };
  }

  /** It learns nothing. */
  save(): null {
    return null;
  }

  restore(): boolean {
    return false;
  }
}
