// Public names of the package: the simulator.
export type { CostModel, MoveWork, StepWork } from "./cost/cost-model.ts";
export { FittedCost, parseCoefficients, type FittedCoefficients } from "./cost/fitted-cost.ts";
export { deviceShapes, type DeviceShape } from "./cost/devices.ts";
export { kvBytesPerToken, modelShapes, type ModelShape } from "./cost/model-shapes.ts";
export { kvTokensOn, RooflineCost, type RooflineOptions } from "./cost/roofline-cost.ts";
export { AnswerBook } from "./run/answer-book.ts";
export { oracleOf } from "./run/oracle.ts";
export { newRecord, recordLines, type RequestRecord } from "./run/request-record.ts";
export { simulate, type SimulationParts, type SimulationResult } from "./run/simulate.ts";
export { summarise, type Percentiles, type RunSummary, type ServiceLevel } from "./run/summary.ts";
export { parseLengths, type LengthSample } from "./workload/alpaca-lengths.ts";
export { parseAzureTrace } from "./workload/azure-trace.ts";
export { readBoundedText } from "./workload/bounded-text.ts";
export * from "./workload/generators.ts";
export { promptTokens } from "./workload/prompt-tokens.ts";
export { parseMooncakeTrace } from "./workload/mooncake-trace.ts";
export type { SimRequest, Workload } from "./workload/sim-request.ts";
export { runSeeds, type SeedReport } from "./seeds/run-seeds.ts";
export type { SeedFailure, WorldsReport } from "./seeds/run-worlds.ts";
export type { SeedCounts } from "./seeds/seed-world.ts";
export { runFaultSeeds, type FaultReport } from "./cluster/faults/run-fault-seeds.ts";
export { lineChart, type ChartOptions, type ChartSeries } from "./plot/line-chart.ts";
export { s3ArmNames, type S3ArmName } from "./s3/s3-arms.ts";
export { runS3, s3Chart, type S3Report } from "./s3/s3-report.ts";
export { compareRuns, simulateRun, type ComparedFigure } from "./validate/compare-runs.ts";
export { formatRun, parseRun, type RecordedRun } from "./validate/run-file.ts";
export {
  comparePolicies,
  engineStyles,
  geometricMean,
  pairRatios,
  policyRatios,
  type ComparedRun,
  type PairRatio,
  type PolicyRatio,
} from "./cluster/compare-policies.ts";
export {
  clusterScenarios,
  type ClusterScenario,
  type Traces,
} from "./cluster/cluster-scenarios.ts";
export type { ClusterSummary } from "./cluster/cluster-summary.ts";
export { findWorkers, type FoundWorkers } from "./cluster/find-workers.ts";
export {
  largestGains,
  prebleChart,
  prebleGains,
  prebleScenarioNames,
  prebleSweep,
  type PrebleGain,
} from "./cluster/preble-experiment.ts";
export {
  serverOf,
  workerKind,
  workerKindNames,
  type WorkerKindName,
} from "./cluster/worker-kinds.ts";
