// What a seed decides about its cluster before anything happens: sizes, policies, and what goes wrong
// how often.

import { defined, Random } from "@loci/core";
import type { EngineOptions, RunnerLimits } from "@loci/engine";
import { policyNames } from "@loci/router";
import type { PolicyName } from "@loci/router";
import type { NetworkFaults } from "./world-network.ts";

/** Mean events per virtual second, over the whole cluster. */
export interface FaultRates {
  /** A worker's process dies, and starts again. */
  readonly kill: number;
  /** A worker stands still. */
  readonly stall: number;
  /** A worker is slow for a while. */
  readonly slow: number;
  /** A router and a worker do not reach each other for a while. */
  readonly partition: number;
  /** A router's process dies, and starts again with nothing. */
  readonly routerKill: number;
  /** A router stands still: its clock jumps forward. */
  readonly routerPause: number;
  /** A worker is drained, and joins again. */
  readonly drain: number;
}

export interface FaultChoices {
  readonly workers: number;
  readonly routers: number;
  readonly policy: PolicyName;
  readonly limits: RunnerLimits;
  readonly options: Partial<EngineOptions>;
  /** Virtual milliseconds per step, per token, per attended token. */
  readonly costMs: readonly [number, number, number];
  readonly delayMs: number;
  readonly network: NetworkFaults;
  readonly rates: FaultRates;
  /** Chance that the other end hears nothing of a death: the machine is gone, not just a process. */
  readonly silentDeath: number;
  readonly cancelChance: number;
  readonly requests: number;
  readonly gapMs: number;
}

const noFaults: FaultRates = {
  kill: 0,
  stall: 0,
  slow: 0,
  partition: 0,
  routerKill: 0,
  routerPause: 0,
  drain: 0,
};

const kinds = ["kill", "stall", "slow", "partition", "routerKill", "routerPause", "drain"] as const;

/** The cluster of a seed. */
export function faultChoices(seed: number): FaultChoices {
  const random = new Random(seed ^ 0xfa017);
  const pick = <T>(list: readonly T[]): T => defined(list[random.integer(0, list.length - 1)]);
  const stepSlicesMax = random.integer(2, 9);
  const limits: RunnerLimits = {
    blockTokens: random.integer(1, 5),
    blockCount: random.integer(12, 64),
    contextTokensMax: random.integer(30, 80),
    vocabularySize: 300,
    stepTokensMax: random.integer(stepSlicesMax, 80),
    stepSlicesMax,
  };
  return {
    workers: random.integer(1, 5),
    routers: random.integer(1, 2),
    policy: random.integer(0, 1) === 0 ? "seconds" : pick(policyNames),
    limits,
    options: {
      sequencesMax: random.integer(1, 9),
      queueRequestsMax: pick([3, 30, 100]),
      scheduling: pick(["fcfs", "fair"]),
    },
    costMs: [pick([10, 100, 500]), pick([0.1, 5]), 0.001],
    delayMs: pick([0.1, 1, 20]),
    network: pick([
      { drop: 0, duplicate: 0, jitterMs: 0 },
      { drop: 0.1, duplicate: 0.1, jitterMs: 50 },
      { drop: 0.3, duplicate: 0.3, jitterMs: 500 },
    ]),
    rates: ratesOf(random),
    silentDeath: pick([0, 0.3]),
    cancelChance: pick([0, 0.02]),
    requests: random.integer(5, 40),
    gapMs: pick([20, 200, 1000]),
  };
}

/** Worlds of one kind of fault, of all at once, or of none. */
function ratesOf(random: Random): FaultRates {
  const rate = (): number => 0.05 + random.next();
  const which = random.integer(0, kinds.length + 1);
  if (which === 0) return noFaults;
  const kind = kinds[which - 1];
  if (kind !== undefined) return { ...noFaults, [kind]: rate() };
  return {
    kill: rate() / 2,
    stall: rate() / 2,
    slow: rate() / 2,
    partition: rate() / 2,
    routerKill: rate() / 8,
    routerPause: rate() / 4,
    drain: rate() / 8,
  };
}
