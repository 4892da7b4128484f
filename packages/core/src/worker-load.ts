// What a worker says of its work, several times a second: all that a router needs to price a request
// on it in seconds.

import type { LatencyCoefficients } from "./latency-model.ts";
import type { KvTierName } from "./kv-events.ts";

export interface WorkerLoad {
  readonly requestsRunning: number;
  readonly requestsWaiting: number;
  /** Tokens of accepted requests that no step has computed yet and no cache holds. */
  readonly prefillTokensPending: number;
  /** Tokens whose keys and values the running requests hold, summed over them. */
  readonly contextTokens: number;
  /** Tokens that all accepted requests are still expected to generate. */
  readonly decodeTokensExpected: number;
  readonly kvBlocksTotal: number;
  /** In nobody's use; cached ones among them can be given up. */
  readonly kvBlocksFree: number;
  readonly kvBlocksCached: number;
  /** Blocks that the accepted requests are expected to hold at their peak. May exceed the total. */
  readonly kvBlocksPeak: number;
  /** Seconds lost, as retention prices it, by giving up one cached block now; 0 while some are free. */
  readonly evictionSecondsPerBlock: number;
  /** What a step costs, as this worker learned it; null before its first steps. */
  readonly latency: LatencyCoefficients | null;
  /** What bringing a block back takes, by memory that it has. */
  readonly restoreSecondsPerBlock: Partial<Readonly<Record<Exclude<KvTierName, "device">, number>>>;
  /** What taking a block from another worker took lately; absent before it took any. */
  readonly fetchSecondsPerBlock?: number;
  /** Mean tokens of recent answers; null before the first. */
  readonly answerTokensMean: number | null;
}
