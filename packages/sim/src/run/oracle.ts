// The truth as a predictor: the bound that experiments hold others against.

import { OraclePredictor } from "@loci/predict";
import type { LengthPredictor } from "@loci/predict";
import type { AnswerBook } from "./answer-book.ts";

/** Knows every length that the book was told; of others, the longest. */
export function oracleOf(answers: AnswerBook): LengthPredictor {
  return new OraclePredictor(
    ({ promptTokens, tokensMax }) => answers.tokensOf(promptTokens) ?? tokensMax,
  );
}
