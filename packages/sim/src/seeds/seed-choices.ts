// What a seed decides about its world before anything happens: sizes, policies, and how much goes
// wrong. Small enough that everything runs out all the time.

import { defined, Random } from "@loci/core";
import { admissionNames, retentionPolicyNames, schedulingNames } from "@loci/engine";
import type { EngineOptions, RunnerLimits, TierFacts } from "@loci/engine";

export interface FaultChances {
  /** A step fails on the device. */
  readonly step: number;
  /** A block is not moved. */
  readonly move: number;
  /** The process ends and starts again, at each turn. */
  readonly restart: number;
  /** A client leaves, at each of its events and when it comes. */
  readonly cancel: number;
}

export type PredictorChoice = "none" | "known" | "wild";

export interface SeedChoices {
  readonly limits: RunnerLimits;
  readonly options: Partial<EngineOptions>;
  readonly tiers: readonly TierFacts[];
  /** What the engine is told of lengths: nothing, the truth, or anything at all. */
  readonly predictor: PredictorChoice;
  /** Virtual milliseconds per step, per token, per attended token. */
  readonly costMs: readonly [number, number, number];
  readonly moveMsMax: number;
  readonly faults: FaultChances;
  readonly requests: number;
  /** Mean time between two requests. */
  readonly gapMs: number;
}

/** How the device of a world ends answers: seldom, so that they grow until memory runs out. */
export const seedAnswers = { eosTokenId: 7, eosChance: 0.04 } as const;

/** Chances of worlds in which nothing, something or much goes wrong. */
const faultLevels: readonly FaultChances[] = [
  { step: 0, move: 0, restart: 0, cancel: 0 },
  { step: 0.02, move: 0.05, restart: 0.002, cancel: 0.02 },
  { step: 0.15, move: 0.3, restart: 0.01, cancel: 0.1 },
];

/** The world of a seed. */
export function choicesOf(seed: number): SeedChoices {
  const random = new Random(seed ^ 0x0c401ce5);
  const pick = <T>(list: readonly T[]): T => defined(list[random.integer(0, list.length - 1)]);
  const stepSlicesMax = random.integer(1, 9);
  const limits: RunnerLimits = {
    blockTokens: random.integer(1, 5),
    blockCount: random.integer(6, 32),
    contextTokensMax: random.integer(20, 80),
    vocabularySize: random.integer(0, 3) === 0 ? 9 : 300,
    stepTokensMax: random.integer(stepSlicesMax, 80),
    stepSlicesMax,
  };
  const host: TierFacts = { name: "host", slotCount: random.integer(1, 20), isDurable: false };
  const disk: TierFacts = { name: "disk", slotCount: random.integer(1, 60), isDurable: true };
  return {
    limits,
    options: {
      sequencesMax: random.integer(1, 9),
      queueRequestsMax: random.integer(1, 30),
      targetStepMs: random.integer(0, 1) === 0 ? null : random.integer(1, 20),
      eviction: pick(retentionPolicyNames),
      aheadShare: random.next(),
      admission: pick(admissionNames),
      scheduling: pick(schedulingNames),
      queueSecondsMax: random.integer(0, 3) === 0 ? random.next() : null,
    },
    tiers: pick([[], [host], [disk], [host, disk]]),
    predictor: pick<PredictorChoice>(["none", "known", "wild"]),
    // Slow steps make restoring worth while; slow moves keep requests waiting.
    costMs: [1, pick([0.1, 1, 30]), pick([0.0001, 0.01])],
    moveMsMax: pick([1, 30, 1000]),
    faults: pick(faultLevels),
    requests: random.integer(5, 30),
    gapMs: pick([0, 5, 50, 200]),
  };
}
