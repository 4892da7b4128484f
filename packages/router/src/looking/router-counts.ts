// What a router counts since its start, for metrics.

import type { KvTierName } from "@loci/core";
import type { Placement } from "../placement.ts";

export interface RouterCounts {
  readonly placements: Readonly<Record<Placement["reason"], number>>;
  /** Requests that waited in the router for a worker to have room. */
  readonly held: number;
  /** Placements after the first: of requests that no worker had begun, and of begun ones. */
  readonly retries: number;
  readonly moves: number;
  readonly finished: number;
  readonly givenUp: number;
  readonly quarantined: number;
  /** Requests turned away: too many live ones, too many of one payer. */
  readonly refusedFull: number;
  readonly refusedTenant: number;
  /** Retries that the budget did not allow. */
  readonly retriesDenied: number;
  readonly workerDeaths: number;
  readonly snapshotsWanted: number;
  readonly fetchesAdvised: number;
  /** Prompt tokens placed; of these, believed to be held by the chosen worker, by memory. */
  readonly promptTokens: number;
  readonly hitTokens: Readonly<Record<KvTierName, number>>;
  /** Of the prompts that workers took up: tokens that they found cached. */
  readonly cachedTokens: number;
}

export type CountsNow = {
  -readonly [Key in keyof RouterCounts]: RouterCounts[Key] extends number
    ? number
    : Record<keyof RouterCounts[Key], number>;
};

export function emptyCounts(): CountsNow {
  return {
    placements: {
      cheapest: 0,
      only_choice: 0,
      session_home: 0,
      rebalanced: 0,
      replicated: 0,
      retried: 0,
    },
    held: 0,
    retries: 0,
    moves: 0,
    finished: 0,
    givenUp: 0,
    quarantined: 0,
    refusedFull: 0,
    refusedTenant: 0,
    retriesDenied: 0,
    workerDeaths: 0,
    snapshotsWanted: 0,
    fetchesAdvised: 0,
    promptTokens: 0,
    hitTokens: { device: 0, host: 0, disk: 0 },
    cachedTokens: 0,
  };
}

/** As they are now; what happens later does not change it. */
export function copyOfCounts({ placements, hitTokens, ...rest }: CountsNow): RouterCounts {
  return { ...rest, placements: { ...placements }, hitTokens: { ...hitTokens } };
}
