// Public names of the package: how long answers will be.

export { LengthDistribution, type LengthPart, type LengthQuantile } from "./length-distribution.ts";
export { lengthMax } from "./length-grid.ts";
export type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
} from "./length-predictor.ts";
export { ProbePredictor, type ProbeOptions } from "./probe/probe-predictor.ts";
