// What a router can be told, with defaults; every bound has a name here.

import { assert } from "@loci/core";

export const policyNames = [
  "seconds",
  "e2",
  "e2-code",
  "round-robin",
  "least-requests",
  "session-hash",
  "cache-aware",
  "l-metric",
  "dynamo",
  "llm-d",
] as const;

export type PolicyName = (typeof policyNames)[number];

export interface RouterOptions {
  readonly policy: PolicyName;
  /** Silence after which a worker gets no new requests. */
  readonly suspectAfterMs: number;
  /** Silence after which its requests go elsewhere. */
  readonly deadAfterMs: number;
  /** A draining worker may finish what it has for so long; what is left then moves. */
  readonly drainMs: number;
  /** Placements after the first that a request gets at most. */
  readonly movesMax: number;
  /** A request that met so many deaths of workers is not sent to another. */
  readonly deathsMax: number;
  /** Retries of requests that no worker has begun, as a share of the requests of 10 seconds. */
  readonly retryShareMax: number;
  /** So many retries are allowed in 10 seconds in any case. */
  readonly retriesMin: number;
  /** A request whose worker failed waits so long for another to come, where none can take it. */
  readonly waitForWorkerMs: number;
  /**
   * Requests that may wait in the router until a worker has room for their prompts; who comes beyond
   * that is sent to a worker at once. 0: nobody waits.
   */
  readonly heldMax: number;
  /** Who has waited so long is sent at once, too. */
  readonly heldMsMax: number;
  /**
   * First tokens are wanted within so many milliseconds: of those who wait in the router, the ones that
   * can still make it go first. Null: no such wish.
   */
  readonly firstTokenMs: number | null;
  /** Live requests. */
  readonly requestsMax: number;
  /** Live requests of one payer; null: no limit of its own. */
  readonly tenantRequestsMax: number | null;
  /** Blocks whose holders are remembered. */
  readonly blocksMax: number;
  readonly workersMax: number;
  /** Conversations whose home is remembered. */
  readonly sessionsMax: number;
  /** Blocks of a placed prompt are believed to be there for so long without an event. */
  readonly speculationMs: number;
  /**
   * What fetching a block from another worker takes, until a worker has done so and says it; null:
   * blocks are not moved.
   */
  readonly fetchSecondsPerBlock: number | null;
  /** Placements kept for `explain`. */
  readonly explanationsMax: number;
}

export const routerDefaults: RouterOptions = {
  policy: "seconds",
  suspectAfterMs: 2000,
  deadAfterMs: 5000,
  drainMs: 180_000,
  movesMax: 3,
  deathsMax: 2,
  retryShareMax: 0.1,
  retriesMin: 3,
  waitForWorkerMs: 30_000,
  heldMax: 256,
  heldMsMax: 30_000,
  firstTokenMs: null,
  requestsMax: 65_536,
  tenantRequestsMax: null,
  // A million, and a sixteenth of it to come between two ticks.
  blocksMax: 1_114_112,
  workersMax: 256,
  sessionsMax: 65_536,
  speculationMs: 2000,
  fetchSecondsPerBlock: null,
  explanationsMax: 1024,
};

/** The options with defaults; asserts that they fit together. */
export function routerOptions(options: Partial<RouterOptions>): RouterOptions {
  const all = { ...routerDefaults, ...options };
  assert(all.suspectAfterMs > 0, "a worker is given time to speak");
  assert(all.deadAfterMs > all.suspectAfterMs, "suspicion comes before death");
  assert(all.movesMax >= 0 && all.deathsMax >= 1, "moves and deaths are counted");
  assert(all.retryShareMax >= 0 && all.retriesMin >= 0, "a retry budget is not negative");
  assert(all.firstTokenMs === null || all.firstTokenMs > 0, "first tokens take time");
  assert(all.heldMax >= 0 && all.heldMsMax >= 0, "waiting in the router is bounded");
  assert(all.requestsMax >= 1 && all.workersMax >= 1, "there is room for one");
  assert(all.blocksMax >= 1 && all.sessionsMax >= 1, "something is remembered");
  assert(all.explanationsMax >= 1, "the last placement can be explained");
  return all;
}
