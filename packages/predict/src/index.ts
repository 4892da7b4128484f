// Public names of the package: how long answers will be.

export type {
  LengthForecast,
  LengthOutcome,
  LengthPredictor,
  LengthQuery,
} from "./length-predictor.ts";
