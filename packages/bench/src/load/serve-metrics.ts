// From records of requests to the figures of one run. Definitions: docs/benchmarks.md.

import { mean, percentile } from "../measure/statistics.ts";
import type { RequestRecord } from "./run-workload.ts";

export interface RunFigures {
  readonly requestsPlanned: number;
  readonly requestsFailed: number;
  readonly durationSeconds: number;
  readonly outputTokens: number;
  readonly outputTokensPerSecond: number;
  readonly ttftMsP50: number;
  readonly ttftMsP90: number;
  /** From when the plan wanted the request sent. */
  readonly ttftScheduledMsP90: number;
  readonly tpotMsP50: number;
  readonly tpotMsP90: number;
  readonly endToEndMsP50: number;
  readonly endToEndMsP90: number;
  /** End-to-end time over answer tokens: Pensieve's normalised latency. */
  readonly normalisedMsP90: number;
  readonly normalisedMsMean: number;
  /** How late the client itself was. */
  readonly sendLagMsP99: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly cachedFraction: number;
  readonly computedPromptTokens: number;
  readonly unseenPromptTokens: number;
  readonly computedToUnseen: number;
}

/** Figures of a run; null when no request succeeded. */
export function runFigures(
  records: readonly RequestRecord[],
  requestsPlanned: number,
): RunFigures | null {
  const good = records.filter((record) => record.error === null && record.usage !== null);
  if (good.length === 0) return null;
  const ttft = good.map((record) => firstTokenMs(record) - record.sendMs);
  const ttftScheduled = good.map((record) => firstTokenMs(record) - record.scheduledMs);
  const tpot = good.map(perTokenMs).filter((value) => value !== null);
  const endToEnd = good.map((record) => record.endMs - record.sendMs);
  const normalised = good.map(
    (record) => (record.endMs - record.sendMs) / Math.max(1, record.usage?.completionTokens ?? 0),
  );
  const lag = records.map((record) => record.sendMs - record.scheduledMs);
  const sum = (of: (record: RequestRecord) => number): number =>
    good.reduce((total, record) => total + of(record), 0);
  const first = Math.min(...good.map((record) => record.sendMs));
  const last = Math.max(...good.map((record) => record.endMs));
  const durationSeconds = (last - first) / 1000;
  const outputTokens = sum((record) => record.usage?.completionTokens ?? 0);
  const promptTokens = sum((record) => record.promptTokens);
  const cachedTokens = sum((record) => record.usage?.cachedTokens ?? 0);
  const unseen = sum((record) => record.unseenTokens);
  return {
    requestsPlanned,
    requestsFailed: requestsPlanned - good.length,
    durationSeconds,
    outputTokens,
    outputTokensPerSecond: outputTokens / durationSeconds,
    ttftMsP50: percentile(ttft, 0.5),
    ttftMsP90: percentile(ttft, 0.9),
    ttftScheduledMsP90: percentile(ttftScheduled, 0.9),
    tpotMsP50: tpot.length === 0 ? 0 : percentile(tpot, 0.5),
    tpotMsP90: tpot.length === 0 ? 0 : percentile(tpot, 0.9),
    endToEndMsP50: percentile(endToEnd, 0.5),
    endToEndMsP90: percentile(endToEnd, 0.9),
    normalisedMsP90: percentile(normalised, 0.9),
    normalisedMsMean: mean(normalised),
    sendLagMsP99: percentile(lag, 0.99),
    promptTokens,
    cachedTokens,
    cachedFraction: cachedTokens / promptTokens,
    computedPromptTokens: promptTokens - cachedTokens,
    unseenPromptTokens: unseen,
    computedToUnseen: (promptTokens - cachedTokens) / unseen,
  };
}

/** From sending to the first token, of every request that succeeded. */
export function firstTokensMs(records: readonly RequestRecord[]): readonly number[] {
  return records
    .filter((record) => record.error === null && record.usage !== null)
    .map((record) => firstTokenMs(record) - record.sendMs);
}

function firstTokenMs(record: RequestRecord): number {
  return record.tokenTimesMs[0] ?? record.endMs;
}

function perTokenMs(record: RequestRecord): number | null {
  const tokens = record.usage?.completionTokens ?? 0;
  return tokens < 2 ? null : (record.endMs - firstTokenMs(record)) / (tokens - 1);
}
