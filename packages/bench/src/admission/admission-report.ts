// The arms side by side: what each did in the mean, and the ratios that the bars ask for.

import { assert, defined } from "@loci/core";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { mean } from "../measure/statistics.ts";
import { pairRatios, ratioText, type PairRatios } from "../tiered/pair-ratios.ts";
import { armNames, type ArmName } from "./admission-arms.ts";
import type { AdmissionRun } from "./admission-run.ts";
import type { SchedulingCost } from "./scheduling-cost.ts";

const throughputBars: Readonly<Record<Exclude<ArmName, "predicted">, number>> = {
  "worst-case": 1.7,
  paged: 1.05,
  oracle: 0.95,
};
const preemptionBar = 0.2;
const requestMsBar = 0.5;
const stepMsBar = 0.3;

/** One of every arm. */
export type Round = ReadonlyMap<ArmName, AdmissionRun>;

export interface CostDifference {
  readonly predicted: SchedulingCost;
  /** The same engine without prediction and promises. */
  readonly ground: SchedulingCost;
}

export interface AdmissionReport {
  readonly text: string;
  readonly bars: readonly Bar[];
  readonly figures: Readonly<Record<string, Figure>>;
}

export function admissionReport(
  rounds: readonly Round[],
  cost: CostDifference,
  seed: number,
): AdmissionReport {
  assert(rounds.length > 0, "there is a round");
  const ratios = new Map<ArmName, PairRatios | null>();
  for (const arm of armNames) {
    if (arm === "predicted") continue;
    ratios.set(arm, pairRatios(rates(rounds, "predicted"), rates(rounds, arm), seed));
  }
  const predicted = totalOf(rounds, "predicted", "preemptions");
  const paged = totalOf(rounds, "paged", "preemptions");
  const requestMs = cost.predicted.requestMs - cost.ground.requestMs;
  const stepMs = cost.predicted.stepMs - cost.ground.stepMs;
  const bars = [
    ...Object.entries(throughputBars).map(([arm, limit]) => {
      const ratio = [...ratios].find(([name]) => name === arm)?.[1] ?? null;
      return atLeast(`tokens/s, predicted over ${arm}`, ratio?.geometricMean ?? null, limit, "x");
    }),
    atMost("preemptions, predicted over paged", shareOf(predicted, paged), preemptionBar, "x"),
    atMost("prediction and admission, per request", requestMs, requestMsBar, "ms"),
    atMost("prediction and admission, per step", stepMs, stepMsBar, "ms"),
  ];
  return {
    text: `${armTable(rounds, ratios)}\n\n${costTable(cost)}`,
    bars,
    figures: {
      ratios: Object.fromEntries([...ratios].map(([arm, ratio]) => [arm, ratioFigure(ratio)])),
      arms: Object.fromEntries(armNames.map((arm) => [arm, armFigures(rounds, arm)])),
      cost: { predicted: { ...cost.predicted }, ground: { ...cost.ground } },
    },
  };
}

/** Nothing to nothing is no worse; something to nothing has no ratio. */
function shareOf(part: number, whole: number): number | null {
  if (whole > 0) return part / whole;
  return part === 0 ? 0 : null;
}

const columns = [
  "tokensPerSecond",
  "steps",
  "sequencesPerStep",
  "preemptions",
  "tokensRecomputed",
  "peakBlocks",
  "idleSeconds",
] as const;

function armTable(
  rounds: readonly Round[],
  ratios: ReadonlyMap<ArmName, PairRatios | null>,
): string {
  const head = [
    "arm",
    "tokens/s",
    "steps",
    "sequences a step",
    "preemptions",
    "recomputed",
    "peak blocks",
    "between steps (s)",
    "predicted over it",
  ];
  const rows = armNames.map((arm) => {
    const runs = runsOf(rounds, arm);
    const means = columns.map((name) => shortNumber(mean(runs.map((run) => run[name]))));
    means.unshift(arm);
    means.push(ratioText(ratios.get(arm) ?? null));
    return means;
  });
  return table([head, ...rows]);
}

function costTable({ predicted, ground }: CostDifference): string {
  return table([
    ["engine alone", "ms a request", "ms a step"],
    costRow("predicted", predicted),
    costRow("paged, predicting nothing", ground),
  ]);
}

function costRow(name: string, { requestMs, stepMs }: SchedulingCost): string[] {
  return [name, shortNumber(requestMs), shortNumber(stepMs)];
}

function runsOf(rounds: readonly Round[], arm: ArmName): AdmissionRun[] {
  return rounds.map((round) => defined(round.get(arm), "each round has every arm"));
}

function rates(rounds: readonly Round[], arm: ArmName): number[] {
  return runsOf(rounds, arm).map(({ tokensPerSecond }) => tokensPerSecond);
}

function totalOf(rounds: readonly Round[], arm: ArmName, name: "preemptions"): number {
  return runsOf(rounds, arm).reduce((sum, run) => sum + run[name], 0);
}

function armFigures(rounds: readonly Round[], arm: ArmName): Figure {
  const names = [...columns, "seconds", "answerTokens", "blocks"] as const;
  return runsOf(rounds, arm).map((run) => {
    return Object.fromEntries(names.map((name) => [name, run[name]]));
  });
}

function ratioFigure(ratios: PairRatios | null): Figure {
  return ratios === null ? null : { ...ratios };
}
