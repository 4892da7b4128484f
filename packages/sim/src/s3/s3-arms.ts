// The arms of S³'s experiment: how memory is promised, and by what prediction. Predictors that learn
// have seen 600 other instructions before, and learn nothing from the requests that they are judged by.

import { BucketsPredictor, defaultPredictor } from "@loci/predict";
import { oracleOf } from "../run/oracle.ts";
import { PublishedBuckets } from "./published-buckets.ts";
import { sequenceTokensMax } from "./s3-experiment.ts";
import type { S3Arm } from "./s3-experiment.ts";
import { teach } from "./taught-predictor.ts";
import type { Lessons } from "./taught-predictor.ts";

export const s3ArmNames = [
  "worst-case",
  "s3",
  "s3-learned",
  "paged",
  "predicted",
  "oracle",
] as const;
export type S3ArmName = (typeof s3ArmNames)[number];

/** The arms of these names, with predictors taught by the lessons. */
export function s3Arms(names: readonly S3ArmName[], lessons: Lessons, seed: number): S3Arm[] {
  return names.map((name) => ({
    name,
    admission: name === "s3-learned" ? "s3" : name,
    predictor: predictorOf(name, lessons, seed),
  }));
}

function predictorOf(name: S3ArmName, lessons: Lessons, seed: number): S3Arm["predictor"] {
  if (name === "oracle") return oracleOf;
  if (name === "s3") {
    return (answers) => new PublishedBuckets(sequenceTokensMax, answers, seed);
  }
  if (name === "s3-learned") {
    const buckets = new BucketsPredictor({ lengthTokensMax: sequenceTokensMax, seed });
    const taught = teach(buckets, lessons);
    return () => taught;
  }
  if (name === "predicted") {
    const taught = teach(defaultPredictor({ seed }), lessons);
    return () => taught;
  }
  return () => null;
}
