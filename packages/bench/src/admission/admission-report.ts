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
  const ratios = {
    tokensPerSecond: ratiosOf(rounds, "tokensPerSecond", seed),
    tokensPerCpuSecond: ratiosOf(rounds, "tokensPerCpuSecond", seed),
  };
  const predicted = totalOf(rounds, "predicted", "preemptions");
  const paged = totalOf(rounds, "paged", "preemptions");
  const requestMs = cost.predicted.requestMs - cost.ground.requestMs;
  const stepMs = cost.predicted.stepMs - cost.ground.stepMs;
  const bars = [
    ...Object.entries(throughputBars).map(([arm, limit]) => {
      const ratio = [...ratios.tokensPerSecond].find(([name]) => name === arm)?.[1] ?? null;
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
      ratios: ratioFigures(ratios.tokensPerSecond),
      cpuRatios: ratioFigures(ratios.tokensPerCpuSecond),
      arms: Object.fromEntries(armNames.map((arm) => [arm, armFigures(rounds, arm)])),
      cost: { predicted: { ...cost.predicted }, ground: { ...cost.ground } },
    },
  };
}

type RateName = "tokensPerSecond" | "tokensPerCpuSecond";
type ArmRatios = ReadonlyMap<ArmName, PairRatios | null>;

/** The predicted arm over each of the others. */
function ratiosOf(rounds: readonly Round[], name: RateName, seed: number): ArmRatios {
  const others = armNames.filter((arm) => arm !== "predicted");
  const ours = ratesOf(rounds, "predicted", name);
  return new Map(others.map((arm) => [arm, pairRatios(ours, ratesOf(rounds, arm, name), seed)]));
}

/** Nothing to nothing is no worse; something to nothing has no ratio. */
function shareOf(part: number, whole: number): number | null {
  if (whole > 0) return part / whole;
  return part === 0 ? 0 : null;
}

const columns = [
  "tokensPerSecond",
  "tokensPerCpuSecond",
  "steps",
  "sequencesPerStep",
  "preemptions",
  "tokensRecomputed",
  "peakBlocks",
  "idleSeconds",
] as const;

function armTable(rounds: readonly Round[], ratios: Readonly<Record<RateName, ArmRatios>>): string {
  const head = [
    "arm",
    "tokens/s",
    "tokens/cpu s",
    "steps",
    "sequences a step",
    "preemptions",
    "recomputed",
    "peak blocks",
    "between steps (s)",
    "predicted over it",
    "per cpu s",
  ];
  const rows = armNames.map((arm) => {
    const runs = runsOf(rounds, arm);
    const means = columns.map((name) => shortNumber(mean(runs.map((run) => run[name]))));
    means.unshift(arm);
    means.push(ratioText(ratios.tokensPerSecond.get(arm) ?? null));
    means.push(ratioText(ratios.tokensPerCpuSecond.get(arm) ?? null));
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

function ratesOf(rounds: readonly Round[], arm: ArmName, name: RateName): number[] {
  return runsOf(rounds, arm).map((run) => run[name]);
}

function totalOf(rounds: readonly Round[], arm: ArmName, name: "preemptions"): number {
  return runsOf(rounds, arm).reduce((sum, run) => sum + run[name], 0);
}

function armFigures(rounds: readonly Round[], arm: ArmName): Figure {
  const names = [...columns, "seconds", "cpuSeconds", "answerTokens", "blocks"] as const;
  return runsOf(rounds, arm).map((run) => {
    return Object.fromEntries(names.map((name) => [name, run[name]]));
  });
}

function ratioFigures(ratios: ArmRatios): Figure {
  return Object.fromEntries(
    [...ratios].map(([arm, ratio]) => [arm, ratio === null ? null : { ...ratio }]),
  );
}
