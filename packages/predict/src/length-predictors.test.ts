// The conformance suite against every predictor of the package that needs no model.

import { BucketsPredictor } from "./buckets/buckets-predictor.ts";
import { CalibratedPredictor } from "./combined/calibrated-predictor.ts";
import { CombinedPredictor } from "./combined/combined-predictor.ts";
import { defaultPredictor } from "./default-predictor.ts";
import { HistoryPredictor } from "./history/history-predictor.ts";
import { lengthPredictorSuite } from "./length-predictor.suite.ts";
import { OraclePredictor } from "./oracle-predictor.ts";
import { ProbePredictor } from "./probe/probe-predictor.ts";
import { TextPredictor } from "./text/text-predictor.ts";
import { WorstCasePredictor } from "./worst-case-predictor.ts";

lengthPredictorSuite("worst-case", { create: () => new WorstCasePredictor(), learns: false });
lengthPredictorSuite("oracle", {
  create: () => new OraclePredictor((query) => 1 + (query.promptTokens.length % 50)),
  learns: false,
});
lengthPredictorSuite("buckets", {
  create: () => new BucketsPredictor({ lengthTokensMax: 2048, seed: 1 }),
  learns: true,
});
lengthPredictorSuite("history", { create: () => new HistoryPredictor(), learns: true });
lengthPredictorSuite("text", { create: () => new TextPredictor(), learns: true });
lengthPredictorSuite("combined", {
  create: () => new CombinedPredictor([new HistoryPredictor(), new TextPredictor()]),
  learns: true,
});
lengthPredictorSuite("calibrated history", {
  create: () => new CalibratedPredictor(new HistoryPredictor(), { seed: 1 }),
  learns: true,
});
lengthPredictorSuite("the default with a probe", {
  create: () => defaultPredictor({ seed: 1 }, new ProbePredictor({ hiddenSize: 16, seed: 1 })),
  learns: true,
  hiddenSize: 16,
});
lengthPredictorSuite("the default", { create: () => defaultPredictor({ seed: 1 }), learns: true });
