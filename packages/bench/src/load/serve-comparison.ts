// From the runs of two arms to a verdict: ratios within each pair, their geometric mean with a
// bootstrap interval, and the bars.

import { Random } from "@loci/core";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { bootstrapInterval, geometricMean, median } from "../measure/statistics.ts";
import type { ArmName } from "./arms.ts";
import type { ServeRunResult } from "./serve-run.ts";

export interface PairedRun {
  readonly arm: ArmName;
  readonly pair: number;
  readonly result: ServeRunResult;
}

/** A figure of one run as a number; null when the run has none. */
type Pick = (result: ServeRunResult) => number | null;

const outputRate: Pick = (result) => result.figures?.outputTokensPerSecond ?? null;
const ttftP90: Pick = (result) => result.figures?.ttftMsP90 ?? null;
const computedToUnseen: Pick = (result) => result.figures?.computedToUnseen ?? null;
const failures: Pick = (result) => result.figures?.requestsFailed ?? null;

export const outputRateBar = 1.8;
export const ttftBar = 0.6;
export const computedBar = 1.03;

interface RatioFigures {
  readonly perPair: readonly number[];
  readonly geometricMean: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Loci's value over the peer's in every pair that has both. */
export function pairRatios(runs: readonly PairedRun[], pick: Pick, seed: number): RatioFigures {
  const perPair: number[] = [];
  for (const ours of runs.filter((run) => run.arm === "loci")) {
    const theirs = runs.find((run) => run.arm !== "loci" && run.pair === ours.pair);
    const top = pick(ours.result);
    const bottom = theirs === undefined ? null : pick(theirs.result);
    if (top !== null && bottom !== null && bottom > 0 && top > 0) perPair.push(top / bottom);
  }
  if (perPair.length === 0) return { perPair, geometricMean: null, low: null, high: null };
  const interval = bootstrapInterval(perPair, new Random(seed));
  return { perPair, geometricMean: geometricMean(perPair), ...interval };
}

export interface ServeVerdict {
  readonly bars: readonly Bar[];
  readonly figures: Readonly<Record<string, Figure>>;
}

/** Bars and figures; the bars that need a peer are left out of a run without one. */
export function judgeServe(
  runs: readonly PairedRun[],
  seed: number,
  hasPeer: boolean,
): ServeVerdict {
  const rate = pairRatios(runs, outputRate, seed);
  const ttft = pairRatios(runs, ttftP90, seed);
  const ours = runs.filter((run) => run.arm === "loci").map((run) => run.result);
  const computed = numbers(ours, computedToUnseen);
  const failed = runs.map((run) => failures(run.result) ?? Number.POSITIVE_INFINITY);
  const bars: Bar[] = [];
  if (hasPeer) {
    bars.push(
      atLeast("output tok/s, loci : peer", rate.geometricMean, outputRateBar, "x"),
      atMost("TTFT p90, loci : peer", ttft.geometricMean, ttftBar, "x"),
    );
  }
  if (ours.length > 0) {
    const worst = computed.length === ours.length ? Math.max(...computed) : null;
    bars.push(atMost("computed prompt tokens : never seen", worst, computedBar, "x"));
  }
  const total = failed.reduce((sum, count) => sum + count, 0);
  bars.push(atMost("failed requests", Number.isFinite(total) ? total : null, 0, "requests"));
  return {
    bars,
    figures: {
      outputRateRatio: { ...rate },
      ttftP90Ratio: { ...ttft },
      runs: runs.map((run) => runRow(run)),
    },
  };
}

function numbers(results: readonly ServeRunResult[], pick: Pick): readonly number[] {
  return results.map(pick).filter((value) => value !== null);
}

function runRow(run: PairedRun): Figure {
  // Every single request is in the records.
  const { figures, noise, firstTokensMs: _, ...rest } = run.result;
  const plainFigures = figures === null ? null : { ...figures };
  return { arm: run.arm, pair: run.pair, figures: plainFigures, noise: { ...noise }, ...rest };
}

const rows: readonly (readonly [string, Pick])[] = [
  ["output tok/s", outputRate],
  ["TTFT p50 ms", (result) => result.figures?.ttftMsP50 ?? null],
  ["TTFT p90 ms", ttftP90],
  ["TPOT p50 ms", (result) => result.figures?.tpotMsP50 ?? null],
  ["TPOT p90 ms", (result) => result.figures?.tpotMsP90 ?? null],
  ["E2EL p50 ms", (result) => result.figures?.endToEndMsP50 ?? null],
  ["E2EL p90 ms", (result) => result.figures?.endToEndMsP90 ?? null],
  ["cached fraction", (result) => result.figures?.cachedFraction ?? null],
  ["computed prompt tokens", (result) => result.figures?.computedPromptTokens ?? null],
  ["never-seen prompt tokens", (result) => result.figures?.unseenPromptTokens ?? null],
  ["computed : never seen", computedToUnseen],
  ["CPU s per 1k output tokens", (result) => result.cpuSecondsPerThousandTokens],
  ["peak RSS MiB", (result) => mebibytes(result.peakResidentBytes)],
  ["duration s", (result) => result.figures?.durationSeconds ?? null],
  ["failed requests", failures],
];

function mebibytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1024 ** 2;
}

/** Medians over the runs of each arm. */
export function serveTable(runs: readonly PairedRun[]): string {
  const arms = [...new Set(runs.map((run) => run.arm))].toSorted();
  const head = ["median over runs", ...arms];
  const cell = (arm: ArmName, pick: Pick): string => {
    const results = runs.filter((run) => run.arm === arm).map((run) => run.result);
    const values = numbers(results, pick);
    return values.length === 0 ? "-" : shortNumber(median(values));
  };
  const body = rows.map(([name, pick]) => [name].concat(arms.map((arm) => cell(arm, pick))));
  return table([head, ...body]);
}
