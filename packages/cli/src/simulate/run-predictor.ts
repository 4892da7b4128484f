// The length predictor that a flag names. One that learns starts knowing nothing.

import {
  BucketsPredictor,
  defaultPredictor,
  HistoryPredictor,
  TextPredictor,
  WorstCasePredictor,
} from "@loci/predict";
import type { LengthPredictor } from "@loci/predict";
import { oracleOf } from "@loci/sim";
import type { AnswerBook } from "@loci/sim";
import type { Command } from "commander";

import { predictors } from "./run-options.ts";
import { numberOption, oneOf, textOption } from "./simulate-flags.ts";

/** Null: the engine knows nothing of lengths. */
export function predictorOf(
  command: Command,
  answers: AnswerBook,
  lengthTokensMax: number,
): LengthPredictor | null {
  const seed = numberOption(command, "seed") ?? 0;
  const name = oneOf(predictors)(textOption(command, "predictor") ?? "");
  const makers: Readonly<Record<typeof name, () => LengthPredictor | null>> = {
    combined: () => defaultPredictor({ seed }),
    history: () => new HistoryPredictor(),
    text: () => new TextPredictor(),
    buckets: () => new BucketsPredictor({ lengthTokensMax, seed }),
    "worst-case": () => new WorstCasePredictor(),
    oracle: () => oracleOf(answers),
    none: () => null,
  };
  return makers[name]();
}
