// Public names of the package: how long answers will be.

export { BucketsPredictor, type BucketsOptions } from "./buckets/buckets-predictor.ts";
export {
  CalibratedPredictor,
  type CalibrationOptions,
  type LengthDrift,
} from "./combined/calibrated-predictor.ts";
export { CombinedPredictor } from "./combined/combined-predictor.ts";
export { defaultPredictor } from "./default-predictor.ts";
export { HistoryPredictor } from "./history/history-predictor.ts";
export { LengthDistribution, type LengthPart, type LengthQuantile } from "./length-distribution.ts";
export { lengthMax } from "./length-grid.ts";
export type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
  LengthReport,
} from "./length-predictor.ts";
export { OraclePredictor } from "./oracle-predictor.ts";
export { ProbePredictor, type ProbeOptions } from "./probe/probe-predictor.ts";
export { TextPredictor } from "./text/text-predictor.ts";
export { WorstCasePredictor } from "./worst-case-predictor.ts";
