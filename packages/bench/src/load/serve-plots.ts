// The plots of `bench serve`: throughput and times of both arms with every run, and the time to the
// first token of every single request.

import { barChart } from "../report/bar-chart.ts";
import { latencyChart } from "../report/latency-chart.ts";
import type { PairedRun } from "./serve-comparison.ts";
import type { RunFigures } from "./serve-metrics.ts";

const times: readonly (readonly [name: string, pick: (figures: RunFigures) => number])[] = [
  ["TTFT p50", (figures) => figures.ttftMsP50],
  ["TTFT p90", (figures) => figures.ttftMsP90],
  ["TPOT p50", (figures) => figures.tpotMsP50],
  ["TPOT p90", (figures) => figures.tpotMsP90],
];

/** Names of files without ending, and their texts. */
export function servePlots(
  runs: readonly PairedRun[],
): readonly (readonly [name: string, svg: string])[] {
  const arms = [...new Set(runs.map(({ arm }) => arm))].toSorted();
  const samples = (arm: string, pick: (figures: RunFigures) => number): readonly number[] =>
    runs
      .filter((run) => run.arm === arm)
      .flatMap(({ result: { figures } }) => (figures === null ? [] : [pick(figures)]));
  const barsOf = (pick: (figures: RunFigures) => number): ReturnType<typeof seriesOf> =>
    seriesOf(arms, (arm) => samples(arm, pick));
  const rate = [{ name: "output", bars: barsOf((figures) => figures.outputTokensPerSecond) }];
  const latency = times.map(([name, pick]) => ({ name, bars: barsOf(pick) }));
  const series = arms.map((name) => ({
    name,
    values: runs.filter(({ arm }) => arm === name).flatMap(({ result }) => result.firstTokensMs),
  }));
  return [
    ["throughput", barChart({ title: "Throughput", unit: "tokens/s", groups: rate })],
    ["latency", barChart({ title: "Latency", unit: "ms", groups: latency })],
    [
      "first-token",
      latencyChart({ title: "Requests with their first token within…", xLabel: "ms", series }),
    ],
  ];
}

function seriesOf(
  arms: readonly string[],
  samplesOf: (arm: string) => readonly number[],
): readonly { readonly series: string; readonly samples: readonly number[] }[] {
  return arms.map((arm) => ({ series: arm, samples: samplesOf(arm) }));
}
