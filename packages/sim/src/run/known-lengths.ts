// A predictor that knows the truth: the oracle of the experiments.

import { LengthDistribution } from "@loci/predict";
import type { LengthForecast, LengthPredictor, LengthQuery } from "@loci/predict";
import type { AnswerBook } from "./answer-book.ts";

/** Knows the length of every answer that it was told. */
export class KnownLengths implements LengthPredictor {
  readonly name: string = "oracle";
  readonly #answers: AnswerBook;

  constructor(answers: AnswerBook) {
    this.#answers = answers;
  }

  /** See LengthPredictor. */
  open({ promptTokens, tokensMin, tokensMax }: LengthQuery): LengthForecast {
    const known = this.#answers.tokensOf(promptTokens) ?? tokensMax;
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
