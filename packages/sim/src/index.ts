// Public names of the package: the simulator.
export type { CostModel, MoveWork, StepWork } from "./cost/cost-model.ts";
export { FittedCost, parseCoefficients, type FittedCoefficients } from "./cost/fitted-cost.ts";
export { deviceShapes, type DeviceShape } from "./cost/devices.ts";
export { kvBytesPerToken, modelShapes, type ModelShape } from "./cost/model-shapes.ts";
export { kvTokensOn, RooflineCost, type RooflineOptions } from "./cost/roofline-cost.ts";
export { recordLines, type RequestRecord } from "./run/request-record.ts";
export { simulate, type SimulationParts, type SimulationResult } from "./run/simulate.ts";
export { summarise, type Percentiles, type RunSummary, type ServiceLevel } from "./run/summary.ts";
export { parseLengths, type LengthSample } from "./workload/alpaca-lengths.ts";
export { parseAzureTrace } from "./workload/azure-trace.ts";
export { readBoundedText } from "./workload/bounded-text.ts";
export * from "./workload/generators.ts";
export { parseMooncakeTrace } from "./workload/mooncake-trace.ts";
export type { SimRequest, Workload } from "./workload/sim-request.ts";
export { runSeeds, type SeedFailure, type SeedReport } from "./seeds/run-seeds.ts";
export type { SeedCounts } from "./seeds/seed-world.ts";
export { lineChart, type ChartOptions, type ChartSeries } from "./plot/line-chart.ts";
