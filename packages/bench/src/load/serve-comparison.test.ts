import { describe, expect, test } from "vitest";
import type { ArmName } from "./arms.ts";
import { judgeServe, pairRatios, serveTable, type PairedRun } from "./serve-comparison.ts";
import type { RunFigures } from "./serve-metrics.ts";

const base: RunFigures = {
  requestsPlanned: 120,
  requestsFailed: 0,
  durationSeconds: 100,
  outputTokens: 7680,
  outputTokensPerSecond: 50,
  ttftMsP50: 500,
  ttftMsP90: 1000,
  ttftScheduledMsP90: 1000,
  tpotMsP50: 100,
  tpotMsP90: 200,
  endToEndMsP50: 5000,
  endToEndMsP90: 6000,
  normalisedMsP90: 20,
  normalisedMsMean: 15,
  sendLagMsP99: 1,
  promptTokens: 60_000,
  cachedTokens: 50_000,
  cachedFraction: 5 / 6,
  computedPromptTokens: 10_000,
  unseenPromptTokens: 9_856,
  computedToUnseen: 1.0146,
};

function run(arm: ArmName, pair: number, figures: Partial<RunFigures> | null): PairedRun {
  return {
    arm,
    pair,
    result: {
      figures: figures === null ? null : { ...base, ...figures },
      cpuSecondsPerThousandTokens: 10,
      peakResidentBytes: 1e9,
      startMs: 500,
      noise: { loadAverage: 1, stolenShare: 0, foreignShare: 0 },
      voided: null,
      firstError: null,
      firstTokensMs: [],
    },
  };
}

function judge(ours: Partial<RunFigures> | null): Readonly<Record<string, boolean>> {
  const runs = [0, 1].flatMap((pair) => [run("loci", pair, ours), run("llama-server", pair, {})]);
  const { bars } = judgeServe(runs, 1, true);
  return Object.fromEntries(bars.map((bar) => [bar.name, bar.met]));
}

describe("bars", () => {
  test("twice the rate and half the wait meet them", () => {
    const verdict = judge({ outputTokensPerSecond: 100, ttftMsP90: 500 });
    expect(Object.values(verdict)).toEqual([true, true, true, true]);
  });

  test("each is missed by its own figure", () => {
    const good = { outputTokensPerSecond: 100, ttftMsP90: 500 };
    const missed = (figures: Partial<RunFigures>): string[] =>
      Object.entries(judge({ ...good, ...figures }))
        .filter(([, met]) => !met)
        .map(([name]) => name);
    expect(missed({ outputTokensPerSecond: 89 })).toEqual(["output tok/s, loci : peer"]);
    expect(missed({ ttftMsP90: 601 })).toEqual(["TTFT p90, loci : peer"]);
    expect(missed({ computedToUnseen: 1.04 })).toEqual(["computed prompt tokens : never seen"]);
    expect(missed({ requestsFailed: 1 })).toEqual(["failed requests"]);
  });

  test("a run without any answer misses all", () => {
    expect(Object.values(judge(null))).toEqual([false, false, false, false]);
  });
});

test("ratios pair runs with each other, in whatever order they ran", () => {
  const runs = [
    run("llama-server", 1, { outputTokensPerSecond: 40 }),
    run("loci", 0, { outputTokensPerSecond: 90 }),
    run("loci", 1, { outputTokensPerSecond: 100 }),
    run("llama-server", 0, { outputTokensPerSecond: 30 }),
  ];
  const ratios = pairRatios(runs, (result) => result.figures?.outputTokensPerSecond ?? null, 1);
  expect(ratios.perPair).toEqual([3, 2.5]);
  expect(ratios.geometricMean).toBeCloseTo(Math.sqrt(7.5));
  expect(serveTable(runs)).toContain("loci");
});
