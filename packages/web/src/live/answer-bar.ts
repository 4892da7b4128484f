// An answer's length beside what was predicted and promised, as positions on a scale of tokens.

import type { LengthBand } from "@loci/core";
import { shareOf } from "./round-scale.ts";

/** Positions between 0 and 1. */
export interface AnswerBar {
  readonly generated: number;
  /** Null where nobody predicts. */
  readonly band: LengthBand | null;
  /** Null where nothing is promised. */
  readonly promised: number | null;
}

export interface AnswerLengths {
  readonly generatedTokens: number;
  readonly predicted: LengthBand | null;
  readonly promisedTokens: number | null;
}

export function answerBar(lengths: AnswerLengths, scaleTokens: number): AnswerBar {
  const { generatedTokens, predicted, promisedTokens } = lengths;
  const onScale = (tokens: number): number => shareOf(tokens, scaleTokens);
  return {
    generated: onScale(generatedTokens),
    band: predicted === null ? null : bandOn(predicted, onScale),
    promised: promisedTokens === null ? null : onScale(promisedTokens),
  };
}

function bandOn(
  { low, median, high }: LengthBand,
  onScale: (tokens: number) => number,
): LengthBand {
  return { low: onScale(low), median: onScale(median), high: onScale(high) };
}
