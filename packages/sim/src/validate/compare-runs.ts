// A recorded run beside its simulation: the same requests at the same times, the same server, and
// steps that cost what was measured.

import { FittedCost } from "../cost/fitted-cost.ts";
import { simulate } from "../run/simulate.ts";
import type { RequestRecord } from "../run/request-record.ts";
import { percentiles } from "../run/summary.ts";
import { uniquePrompt } from "../workload/prompt-tokens.ts";
import type { SimRequest, Workload } from "../workload/sim-request.ts";
import type { RecordedRun } from "./run-file.ts";

export interface ComparedFigure {
  readonly name: string;
  readonly real: number;
  readonly simulated: number;
  /** Simulated over real. */
  readonly ratio: number;
}

/** Requests as they came, with answers as long as they were. */
export function workloadOfRun(run: RecordedRun): Workload {
  const requests = run.records.map(
    ({ index, arrivalMs, promptTokens, answerTokens }): SimRequest => {
      const prompt = uniquePrompt(index, promptTokens);
      return {
        arrivalMs,
        prompt,
        answerTokens,
        maxTokens: answerTokens,
        ignoresEnd: true,
        tenant: "default",
        userText: null,
        cancelAfterMs: null,
      };
    },
  );
  return { name: run.name, requests, clients: null };
}

/** Simulates a recorded run again. */
export function simulateRun(run: RecordedRun): readonly RequestRecord[] {
  return simulate({
    workload: workloadOfRun(run),
    cost: new FittedCost(run.name, run.coefficients),
    limits: run.limits,
    options: { ...run.options, queueRequestsMax: Number.MAX_SAFE_INTEGER },
  }).records;
}

/** Throughput and latencies, side by side. */
export function compareRuns(
  real: readonly RequestRecord[],
  simulated: readonly RequestRecord[],
): ComparedFigure[] {
  const [one, other] = [figuresOf(real), figuresOf(simulated)];
  return [...one].map(([name, value]) => {
    const also = other.get(name) ?? Number.NaN;
    return { name, real: value, simulated: also, ratio: also / value };
  });
}

function figuresOf(records: readonly RequestRecord[]): ReadonlyMap<string, number> {
  const done = records.flatMap((record) => {
    const { startedMs, firstTokenMs, endedMs } = record;
    const isDone = startedMs !== null && firstTokenMs !== null && endedMs !== null;
    return isDone ? [{ ...record, firstTokenMs, endedMs }] : [];
  });
  const startMs = done.reduce((min, { arrivalMs }) => Math.min(min, arrivalMs), Infinity);
  const endMs = done.reduce((max, { endedMs }) => Math.max(max, endedMs), 0);
  const tokens = done.reduce((sum, { answerTokens }) => sum + answerTokens, 0);
  const figures = new Map([["tokens per second", (1000 * tokens) / (endMs - startMs)]]);
  const add = (name: string, values: readonly number[]): void => {
    const spread = percentiles(values);
    figures.set(`${name}, p50 (ms)`, spread?.p50 ?? Number.NaN);
    figures.set(`${name}, p90 (ms)`, spread?.p90 ?? Number.NaN);
  };
  const long = done.filter(({ answerTokens }) => answerTokens > 1);
  add(
    "first token",
    done.map(({ firstTokenMs, arrivalMs }) => firstTokenMs - arrivalMs),
  );
  add(
    "each further token",
    long.map(({ firstTokenMs, endedMs, answerTokens }) => {
      return (endedMs - firstTokenMs) / (answerTokens - 1);
    }),
  );
  add(
    "whole answer",
    done.map(({ endedMs, arrivalMs }) => endedMs - arrivalMs),
  );
  return figures;
}
