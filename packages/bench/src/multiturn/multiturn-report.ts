// From the arms' curves to the table, the bars and the figures of `bench multiturn`.

import { lineChart } from "@loci/sim";
import type { WorkloadShape } from "../load/workload.ts";
import type { Output } from "../measure/output.ts";
import { atLeast, atMost, shortNumber, table, type Bar, type Figure } from "../measure/report.ts";
import { pairRatios, ratioText, type PairRatios } from "../tiered/pair-ratios.ts";
import type { ArmMemory, MultiturnArm } from "./multiturn-arms.ts";
import type { Bracket, LoadPoint } from "./throughput-at-latency.ts";

export interface ArmResult {
  readonly name: MultiturnArm;
  readonly points: LoadPoint[];
  /** Output tokens per second at the target latency, one per pair; 0 = not reached at any load. */
  readonly atTarget: number[];
  readonly computedToUnseen: number[];
  bracket?: Bracket | null;
}

export interface MultiturnFacts {
  readonly targetMs: number;
  readonly unloadedMs: number;
  readonly seed: number;
  readonly hasPeer: boolean;
  readonly quick: boolean;
  readonly memory: ArmMemory;
  readonly shape: WorkloadShape;
}

const bars: Readonly<Record<Exclude<MultiturnArm, "stateful">, number>> = {
  stateless: 3,
  "device lru": 1.3,
  "llama-server": 2,
};
const computedBar = 1.02;
/** The quick form's turns are so short that computing them again is often cheaper; 2.1 = all of them. */
const quickComputedBar = 1.9;

export function reportMultiturn(
  output: Output,
  results: readonly ArmResult[],
  facts: MultiturnFacts,
): void {
  const stateful = results.find(({ name }) => name === "stateful");
  const ratioTo = (other: ArmResult): PairRatios | null => {
    if (stateful === undefined || other === stateful) return null;
    if ([...stateful.atTarget, ...other.atTarget].includes(0)) return null;
    return pairRatios(stateful.atTarget, other.atTarget, facts.seed);
  };
  output.show(curveTable(results));
  output.plot("multiturn", curves(results, facts.targetMs));
  const head = [
    "arm",
    `tok/s at ${shortNumber(facts.targetMs)} ms`,
    "stateful is",
    "computed : new",
  ];
  const rows = results.map((result) => [
    result.name,
    result.atTarget.map(shortNumber).join(" "),
    ratioText(ratioTo(result)),
    `${shortNumber(Math.max(...result.computedToUnseen))} x`,
  ]);
  output.show(table([head, ...rows]));
  output.finish({
    benchmark: "multiturn",
    bars: barsOf(results, ratioTo, facts),
    figures: {
      targetMs: facts.targetMs,
      unloadedMs: facts.unloadedMs,
      arms: results.map((result) => armFigures(result, ratioTo(result))),
      workload: { ...facts.shape, tokenIds: { ...facts.shape.tokenIds } },
      poolTokens: facts.memory.poolTokens,
      workingTokens: facts.memory.workingTokens,
      tier: facts.memory.tier,
      bytesPerToken: facts.memory.bytesPerToken,
    },
  });
}

function barsOf(
  results: readonly ArmResult[],
  ratioTo: (other: ArmResult) => PairRatios | null,
  facts: MultiturnFacts,
): readonly Bar[] {
  const stateful = results.find(({ name }) => name === "stateful");
  const worst = stateful === undefined ? null : Math.max(...stateful.computedToUnseen);
  const limit = facts.quick ? quickComputedBar : computedBar;
  const computed = atMost("stateful: prompt tokens computed : new", worst, limit, "x");
  if (facts.quick) return [computed];
  const timed = (["stateless", "device lru", "llama-server"] as const)
    .filter((name) => name !== "llama-server" || facts.hasPeer)
    .map((name) => {
      const other = results.find((result) => result.name === name);
      const ratio = other === undefined ? null : ratioTo(other);
      return atLeast(
        `throughput, stateful : ${name}`,
        ratio?.geometricMean ?? null,
        bars[name],
        "x",
      );
    });
  return [...timed, computed];
}

function curveTable(results: readonly ArmResult[]): string {
  const head = ["arm", "offered requests/s", "tok/s", "p90 ms per token"];
  const rows = results.flatMap(({ name, points }) =>
    points.map((point) => [
      name,
      Number.isFinite(point.requestsPerSecondOffered)
        ? shortNumber(point.requestsPerSecondOffered)
        : "no pauses",
      shortNumber(point.tokensPerSecond),
      shortNumber(point.normalisedMsP90),
    ]),
  );
  return table([head, ...rows]);
}

/** Throughput against latency: further to the right below the line is better. */
function curves(results: readonly ArmResult[], targetMs: number): string {
  const series = results.map(({ name, points }) => ({
    name,
    points: points
      .map((point) => ({ x: point.tokensPerSecond, y: point.normalisedMsP90 }))
      .toSorted((a, b) => a.x - b.x),
  }));
  return lineChart(series, {
    title: "Many conversations: latency by throughput",
    xLabel: "tokens per second",
    yLabel: "p90 of ms per token",
    limit: { y: targetMs, name: "target" },
  });
}

function armFigures(result: ArmResult, ratios: PairRatios | null): Figure {
  const { name, points, atTarget, computedToUnseen } = result;
  return {
    name,
    atTarget,
    computedToUnseen,
    ratio: ratios === null ? null : { ...ratios },
    // JSON has no Infinity: no pauses are null.
    points: points.map(({ requestsPerSecondOffered, tokensPerSecond, normalisedMsP90 }) => {
      const isFinite = Number.isFinite(requestsPerSecondOffered);
      const offered = isFinite ? requestsPerSecondOffered : null;
      return { offered, tokensPerSecond, normalisedMsP90 };
    }),
  };
}
