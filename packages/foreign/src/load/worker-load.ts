// An engine's own numbers and ours together, as the load report that a router prices.

import type { ServiceSnapshot, WorkerLoad } from "@loci/core";
import type { EngineGauges } from "../metrics/engine-gauges.ts";
import type { LiveRequests } from "./live-requests.ts";

export interface LoadSources {
  readonly gauges: EngineGauges;
  readonly live: LiveRequests;
  readonly blockTokens: number;
  readonly kvBlocksTotal: number;
  /** Blocks that it holds, as it says or as it follows from what was sent. */
  readonly blocksHeld: number;
}

/** Share of the memory from which on a new block costs an old one. */
const fullShare = 0.95;

export function workerLoad(sources: LoadSources): WorkerLoad {
  const { gauges, live, blockTokens, kvBlocksTotal } = sources;
  const running = Math.max(gauges.requestsRunning ?? 0, live.decoding);
  const waiting = Math.max(gauges.requestsWaiting ?? 0, live.count - running);
  const ownBlocks = Math.ceil(live.knownTokens / blockTokens);
  const usedBlocks = Math.round((gauges.kvUsage ?? 0) * kvBlocksTotal);
  const used = Math.min(kvBlocksTotal, Math.max(usedBlocks, ownBlocks));
  const free = kvBlocksTotal - used;
  const cached = Math.max(0, sources.blocksHeld - used);
  const decodeTokens = live.decodeTokens;
  return {
    requestsRunning: running,
    requestsWaiting: waiting,
    prefillTokensPending: live.prefillTokens,
    contextTokens: Math.max(live.contextTokens, usedBlocks * blockTokens),
    decodeTokensExpected: decodeTokens,
    kvBlocksTotal,
    kvBlocksFree: free,
    kvBlocksCached: Math.min(free, cached),
    kvBlocksPeak: used + Math.ceil(decodeTokens / blockTokens),
    evictionSecondsPerBlock: evictionSeconds(sources, used + cached),
    latency: live.latency.coefficients,
    restoreSecondsPerBlock: {},
    answerTokensMean: live.answerTokensMean,
  };
}

/** A block given up is needed again about as often as prompts hit at all. */
function evictionSeconds(
  { live, blockTokens, kvBlocksTotal }: LoadSources,
  filled: number,
): number {
  if (filled < fullShare * kvBlocksTotal) return 0;
  return live.hitShare * live.latency.prefillSeconds(blockTokens, 0);
}

/** The same numbers for the server's own metrics. */
export function serviceSnapshot(
  load: WorkerLoad,
  live: LiveRequests,
  blockTokens: number,
): ServiceSnapshot {
  const { promptTokens, cachedTokens, generatedTokens } = live.totals;
  const waitSeconds = live.latency.prefillSeconds(load.prefillTokensPending, 0);
  return {
    requestsRunning: load.requestsRunning,
    requestsWaiting: load.requestsWaiting,
    kvBlocksTotal: load.kvBlocksTotal,
    kvBlocksFree: load.kvBlocksFree - load.kvBlocksCached,
    kvBlocksCached: load.kvBlocksCached,
    kvBlockTokens: blockTokens,
    promptTokens,
    cachedTokens,
    computedPromptTokens: promptTokens - cachedTokens,
    generatedTokens,
    preemptions: 0,
    steps: 0,
    waitSecondsExpected: load.prefillTokensPending === 0 ? 0 : waitSeconds,
    ...(load.latency === null ? {} : { latency: load.latency }),
  };
}
