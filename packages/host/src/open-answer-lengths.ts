// From settings to the predictor of answer lengths that serves: S³'s buckets where S³'s admission was
// chosen, as published; else the learned and calibrated combination, which also reads the model's own
// state where the model reports one.

import type { Clock, Config } from "@loci/core";
import type { LoadedModel } from "@loci/model";
import { BucketsPredictor, ProbePredictor } from "@loci/predict";
import type { LengthPredictor } from "@loci/predict";

import type { Logger } from "./logger.ts";
import { openLengthPredictor } from "./open-length-predictor.ts";

export interface AnswerLengths {
  readonly predictor: LengthPredictor;
  close(): Promise<void>;
}

/** Chance decides how a predictor starts to learn, and nothing that anyone would want to vary. */
const seed = 1;

export async function openAnswerLengths(
  config: Pick<Config, "admission" | "store">,
  model: Pick<LoadedModel, "info" | "runner">,
  surroundings: { readonly logger: Logger; readonly clock: Clock },
): Promise<AnswerLengths> {
  if (config.admission === "s3") {
    const lengthTokensMax = model.runner.limits.contextTokensMax;
    const predictor = new BucketsPredictor({ lengthTokensMax, seed });
    return { predictor, close: () => Promise.resolve() };
  }
  const { hiddenSize } = model.runner.limits;
  const probe = hiddenSize === undefined ? null : new ProbePredictor({ hiddenSize, seed });
  const isKept = config.store !== "none";
  return openLengthPredictor({ modelName: model.info.id, isKept, seed, probe }, surroundings);
}
