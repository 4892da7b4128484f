// What a run's requests add up to. Percentiles interpolate linearly between ranks; normalised latency
// is the whole time of a request over its answer's tokens, as in Orca and vLLM.

import { defined } from "@loci/core";
import type { RequestRecord } from "./request-record.ts";
import type { SimulationResult } from "./simulate.ts";

export interface Percentiles {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** What a user puts up with. */
export interface ServiceLevel {
  /** Milliseconds to the first token at most. */
  readonly ttftMs: number;
  /** Milliseconds per token after the first at most. */
  readonly tpotMs: number;
  /** Milliseconds per token of the whole time at most; no limit when absent. */
  readonly normalisedMs?: number;
  /** Milliseconds between two tokens at most; no limit when absent. */
  readonly pauseMs?: number;
}

export interface RunSummary {
  readonly requests: number;
  readonly completed: number;
  readonly refused: number;
  readonly cancelled: number;
  readonly failed: number;
  /** Virtual seconds from the first submission to the last event. */
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Requests that met the service level, per second; and as a share of all that were submitted. */
  readonly goodPerSecond: number;
  readonly goodShare: number;
  /**
   * Requests per second that, once their first token was there, had no pause and no slower pace than
   * the service level allows, however long they had waited: what memory pressure spoils.
   */
  readonly steadyPerSecond: number;
  /** All of completed requests; null when there are none. Milliseconds; per token where it says so. */
  readonly ttftMs: Percentiles | null;
  readonly tpotMs: Percentiles | null;
  readonly endToEndMs: Percentiles | null;
  readonly normalisedMs: Percentiles | null;
  /** The longest pause of each request between two tokens. */
  readonly pauseMs: Percentiles | null;
  readonly cachedShare: number;
  readonly preemptions: number;
  /** Answers that grew beyond the memory promised to them. */
  readonly outgrown: number;
  /** Requests that gave way to others and came back from a memory below. */
  readonly moved: number;
  readonly memoryMean: number;
  readonly memoryMax: number;
  readonly busyShare: number;
  readonly steps: number;
  readonly digest: string;
}

/** MLPerf's conversational limits for an 8B model: 2 s and 100 ms. */
export const defaultServiceLevel: ServiceLevel = { ttftMs: 2000, tpotMs: 100 };

export function summarise(
  result: SimulationResult,
  level: ServiceLevel = defaultServiceLevel,
): RunSummary {
  const { records, snapshot, endMs, busyMs, memory, digest } = result;
  const count = (end: RequestRecord["end"]): number =>
    records.reduce((sum, record) => sum + Number(record.end === end), 0);
  const done = records.filter(({ end }) => end === "finished" || end === "length");
  const startMs = records[0]?.arrivalMs ?? 0;
  const seconds = Math.max(0, endMs - startMs) / 1000;
  const perSecond = (amount: number): number => (seconds > 0 ? amount / seconds : 0);
  const good = done.filter((record) => isGood(record, level)).length;
  const tokens = records.reduce((sum, record) => sum + record.answerTokens, 0);
  return {
    requests: records.length,
    completed: done.length,
    refused: count("refused"),
    cancelled: count("cancelled"),
    failed: count("failed"),
    seconds,
    requestsPerSecond: perSecond(done.length),
    tokensPerSecond: perSecond(tokens),
    goodPerSecond: perSecond(good),
    steadyPerSecond: perSecond(done.filter((record) => isSteady(record, level)).length),
    goodShare: records.length > 0 ? good / records.length : 0,
    ttftMs: percentiles(done.map((record) => ttftOf(record))),
    tpotMs: percentiles(done.filter(({ answerTokens }) => answerTokens > 1).map(tpotOf)),
    endToEndMs: percentiles(done.map((record) => totalOf(record))),
    normalisedMs: percentiles(done.map((record) => totalOf(record) / record.answerTokens)),
    pauseMs: percentiles(done.map(({ longestPauseMs }) => longestPauseMs)),
    cachedShare: snapshot.promptTokens > 0 ? snapshot.cachedTokens / snapshot.promptTokens : 0,
    preemptions: snapshot.preemptions,
    outgrown: snapshot.rescues?.outgrown ?? 0,
    moved: snapshot.rescues?.moved ?? 0,
    memoryMean: memory.mean,
    memoryMax: memory.max,
    busyShare: endMs > 0 ? busyMs / endMs : 0,
    steps: snapshot.steps,
    digest,
  };
}

/** Null for no values. */
export function percentiles(values: readonly number[]): Percentiles | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).toSorted();
  const at = (share: number): number => {
    const place = share * (sorted.length - 1);
    const low = defined(sorted[Math.floor(place)]);
    const high = defined(sorted[Math.ceil(place)]);
    return low + (high - low) * (place - Math.floor(place));
  };
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
}

function isGood(record: RequestRecord, level: ServiceLevel): boolean {
  const { ttftMs, normalisedMs = Infinity } = level;
  const isInTime =
    ttftOf(record) <= ttftMs && totalOf(record) / record.answerTokens <= normalisedMs;
  return isInTime && isSteady(record, level);
}

function isSteady(record: RequestRecord, { tpotMs, pauseMs = Infinity }: ServiceLevel): boolean {
  const tokenMs = record.answerTokens > 1 ? tpotOf(record) : 0;
  return tokenMs <= tpotMs && record.longestPauseMs <= pauseMs;
}

function ttftOf(record: RequestRecord): number {
  return defined(record.firstTokenMs) - record.arrivalMs;
}

function tpotOf(record: RequestRecord): number {
  return (defined(record.endedMs) - defined(record.firstTokenMs)) / (record.answerTokens - 1);
}

function totalOf(record: RequestRecord): number {
  return defined(record.endedMs) - record.arrivalMs;
}
