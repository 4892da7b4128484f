// From runs of policies to ratios over round-robin. Rates are compared pair by pair; a p99 needs more
// requests than one run has, so all requests of a policy's runs are taken together.

import { defined } from "@loci/core";
import type { PolicyName } from "@loci/router";
import type { RunFigures } from "../load/serve-metrics.ts";
import type { RequestRecord } from "../load/run-workload.ts";
import { shortNumber, table, type Figure } from "../measure/report.ts";
import { median, percentile } from "../measure/statistics.ts";
import { pairRatios, ratioText, type PairRatios } from "../tiered/pair-ratios.ts";
import { baselinePolicy } from "./cluster-options.ts";
import type { PolicyRun, PolicyRuns } from "./placement-runs.ts";

export interface PolicySummary {
  readonly policy: PolicyName;
  readonly requests: number;
  readonly failed: number;
  readonly tokensPerSecond: number;
  readonly ttftMsP50: number;
  readonly endToEndMsP50: number;
  /** Over the requests of all runs. */
  readonly endToEndMsP99: number;
  readonly cachedFraction: number;
  readonly computedToUnseen: number;
  readonly computedTokens: number;
  readonly noisyRuns: number;
  /** Over the baseline; null when a run of either had no figures. */
  readonly throughput: PairRatios | null;
  readonly ttft: PairRatios | null;
  readonly p99Ratio: number | null;
}

/** One for each policy, in the order of the runs. */
export function summarise(runs: PolicyRuns, seed: number): readonly PolicySummary[] {
  const baseline = defined(runs.get(baselinePolicy));
  return [...runs].map(([policy, own]) => {
    const figures = own.map(({ result }) => result.figures).filter((each) => each !== null);
    const typical = (pick: (figures: RunFigures) => number): number =>
      figures.length === 0 ? Number.NaN : median(figures.map(pick));
    const total = (pick: (figures: RunFigures) => number): number =>
      figures.reduce((sum, each) => sum + pick(each), 0);
    const ratio = (pick: (figures: RunFigures) => number): PairRatios | null =>
      policy === baselinePolicy ? null : ratiosOf(own, baseline, { pick, seed });
    const p99 = pooledP99(own);
    const baselineP99 = pooledP99(baseline);
    const isMeasured = policy !== baselinePolicy && p99 !== null && baselineP99 !== null;
    return {
      policy,
      requests: own.reduce((sum, { records }) => sum + records.length, 0),
      failed: own.reduce((sum, { records }) => sum + failedOf(records), 0),
      tokensPerSecond: typical((each) => each.outputTokensPerSecond),
      ttftMsP50: typical((each) => each.ttftMsP50),
      endToEndMsP50: typical((each) => each.endToEndMsP50),
      endToEndMsP99: p99 ?? Number.NaN,
      cachedFraction: typical((each) => each.cachedFraction),
      computedToUnseen: typical((each) => each.computedToUnseen),
      computedTokens: total((each) => each.computedPromptTokens),
      noisyRuns: own.filter(({ result }) => result.voided !== null).length,
      throughput: ratio((each) => each.outputTokensPerSecond),
      ttft: ratio((each) => each.ttftMsP50),
      p99Ratio: isMeasured ? p99 / baselineP99 : null,
    };
  });
}

function ratiosOf(
  own: readonly PolicyRun[],
  baseline: readonly PolicyRun[],
  { pick, seed }: { readonly pick: (figures: RunFigures) => number; readonly seed: number },
): PairRatios | null {
  const values = (runs: readonly PolicyRun[]): readonly number[] =>
    runs.map(({ result }) => (result.figures === null ? Number.NaN : pick(result.figures)));
  const [top, bottom] = [values(own), values(baseline)];
  return [...top, ...bottom].every((value) => value > 0) ? pairRatios(top, bottom, seed) : null;
}

/** Of requests that succeeded; a failed one is told apart and misses its own bar. */
function pooledP99(runs: readonly PolicyRun[]): number | null {
  const good = runs.flatMap(({ records }) => records.filter(({ error }) => error === null));
  if (good.length === 0) return null;
  return percentile(
    good.map(({ sendMs, endMs }) => endMs - sendMs),
    0.99,
  );
}

function failedOf(records: readonly RequestRecord[]): number {
  return records.filter(({ error }) => error !== null).length;
}

/** For people. */
export function placementTable(summaries: readonly PolicySummary[]): string {
  const head = [
    "policy",
    "tok/s",
    "TTFT p50 ms",
    "E2E p50 ms",
    "E2E p99 ms",
    "cached",
    "computed : new",
    "throughput over round-robin",
    "p99 over round-robin",
  ];
  const rows = summaries.map((each) => [
    each.policy,
    shortNumber(each.tokensPerSecond),
    shortNumber(each.ttftMsP50),
    shortNumber(each.endToEndMsP50),
    shortNumber(each.endToEndMsP99),
    `${(100 * each.cachedFraction).toFixed(0)} %`,
    `${shortNumber(each.computedToUnseen)} x`,
    ratioText(each.throughput),
    each.p99Ratio === null ? "-" : shortNumber(each.p99Ratio),
  ]);
  return table([head, ...rows]);
}

/** For machines. */
export function summaryFigures(summaries: readonly PolicySummary[]): Figure {
  return summaries.map(({ throughput, ttft, ...plain }) => ({
    ...plain,
    throughput: throughput === null ? null : { ...throughput },
    ttft: ttft === null ? null : { ...ttft },
  }));
}

/** Answers to the same prompt that are token for token the same as the baseline's. */
export function sameAnswers(runs: PolicyRuns, policy: PolicyName): number {
  const theirs = new Map(
    defined(runs.get(baselinePolicy)).flatMap(({ pair, records }) =>
      records.map((record): [string, string] => [placeOf(pair, record), String(record.tokenIds)]),
    ),
  );
  const ours = defined(runs.get(policy)).flatMap(({ pair, records }) =>
    records.map((record) => theirs.get(placeOf(pair, record)) === String(record.tokenIds)),
  );
  return ours.filter(Boolean).length / Math.max(1, ours.length);
}

function placeOf(pair: number, { conversation, turn }: RequestRecord): string {
  return `${pair} ${conversation} ${turn}`;
}
