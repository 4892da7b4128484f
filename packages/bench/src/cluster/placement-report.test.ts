import { expect, test } from "vitest";
import type { PolicyName } from "@loci/router";
import type { RequestRecord } from "../load/run-workload.ts";
import { runFigures } from "../load/serve-metrics.ts";
import { sameAnswers, summarise } from "./placement-report.ts";
import type { PolicyRun, PolicyRuns } from "./placement-runs.ts";

interface Answer {
  readonly totalMs: number;
  readonly tokens: readonly number[];
  readonly error?: string;
}

function record(index: number, { totalMs, tokens, error }: Answer): RequestRecord {
  const usage = { promptTokens: 10, cachedTokens: 4, completionTokens: tokens.length };
  return {
    conversation: index,
    turn: 0,
    scheduledMs: 0,
    sendMs: 0,
    tokenTimesMs: [totalMs / 2],
    endMs: totalMs,
    tokenIds: tokens,
    usage,
    error: error ?? null,
    promptTokens: 10,
    answerTokensAsked: tokens.length,
    unseenTokens: 3,
  };
}

function run(pair: number, answers: readonly Answer[]): PolicyRun {
  const records = answers.map((answer, index) => record(index, answer));
  const noise = { loadAverage: null, stolenShare: null, foreignShare: null };
  return {
    pair,
    records,
    result: {
      figures: runFigures(records, records.length),
      cpuSecondsPerThousandTokens: null,
      peakResidentBytes: null,
      startMs: 1,
      noise,
      voided: pair === 0 ? "loud" : null,
      firstError: null,
      firstTokensMs: [],
    },
  };
}

const slow = (pair: number): PolicyRun =>
  run(pair, [
    { totalMs: 1000, tokens: [1, 2] },
    { totalMs: 4000, tokens: [3, 4] },
  ]);
const fast = (pair: number): PolicyRun =>
  run(pair, [
    { totalMs: 500, tokens: [1, 2] },
    { totalMs: 1000, tokens: [3, 5] },
  ]);
const runs: PolicyRuns = new Map<PolicyName, readonly PolicyRun[]>([
  ["seconds", [fast(0), fast(1)]],
  ["round-robin", [slow(0), slow(1)]],
]);

test("ratios are over round-robin, and the p99 is of all runs' requests", () => {
  const [seconds, baseline] = summarise(runs, 1);
  expect(seconds?.throughput?.geometricMean).toBeCloseTo(4);
  expect(seconds?.ttft?.geometricMean).toBeCloseTo(375 / 1250);
  expect(baseline?.endToEndMsP99).toBeCloseTo(4000);
  expect(seconds?.p99Ratio).toBeCloseTo(0.25);
  expect(baseline?.throughput).toBeNull();
  expect(baseline?.p99Ratio).toBeNull();
  expect(seconds?.requests).toBe(4);
  expect(seconds?.computedTokens).toBe(24);
  expect(seconds?.computedToUnseen).toBe(2);
  expect(seconds?.noisyRuns).toBe(1);
});

test("a run without any answer has no ratio, and its requests count as failed", () => {
  const broken = run(0, [{ totalMs: 10, tokens: [], error: "HTTP 500" }]);
  const [seconds] = summarise(
    new Map<PolicyName, readonly PolicyRun[]>([
      ["seconds", [broken]],
      ["round-robin", [slow(0)]],
    ]),
    1,
  );
  expect(seconds?.failed).toBe(1);
  expect(seconds?.throughput).toBeNull();
  expect(seconds?.p99Ratio).toBeNull();
});

test("answers are compared request by request", () => {
  expect(sameAnswers(runs, "seconds")).toBe(0.5);
  expect(sameAnswers(runs, "round-robin")).toBe(1);
});
