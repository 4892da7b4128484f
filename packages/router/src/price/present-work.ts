// What a worker has to do now: what this router sent there, known to the token, and what its last
// report shows beyond that (other routers' requests), which shrinks at the worker's pace until the
// next report. A report alone is too old: a burst would all see the same idle worker.

import type { RoutedWorker } from "../members/routed-worker.ts";

export interface PresentWork {
  requests: number;
  /** Requests that wait for their first token. */
  pendingRequests: number;
  /** Prompt tokens that are not computed. */
  pendingTokens: number;
  /** Sequences that decode, and the tokens they hold. */
  decoding: number;
  contextTokens: number;
  /** Tokens that are expected to be generated. */
  answerTokens: number;
  /** Blocks that all are expected to hold in the end. */
  peakBlocks: number;
}

/** `secondsPerToken`: at which the worker computes prompts. */
export function presentWork(
  worker: RoutedWorker,
  secondsPerToken: number,
  nowMs: number,
): PresentWork {
  const { own, load, ownAtReport: before } = worker;
  const work: PresentWork = {
    requests: worker.requestsPresent,
    pendingRequests: worker.pendingPresent,
    pendingTokens: worker.pendingTokensPresent,
    decoding: own.decoding,
    contextTokens: own.contextTokens,
    answerTokens: own.answerTokens,
    peakBlocks: own.peakBlocks,
  };
  if (load !== null) {
    work.decoding += over(load.requestsRunning, worker.requestsAtReport);
    work.contextTokens += over(load.contextTokens, before.contextTokens + before.pendingTokens);
    work.answerTokens += over(load.decodeTokensExpected, before.answerTokens);
    work.peakBlocks += over(load.kvBlocksPeak, before.peakBlocks);
  }
  const sinceMs = Math.max(0, nowMs - worker.prefillSeenAtMs);
  const computed = sinceMs / 1000 / Math.max(secondsPerToken, 1e-9);
  work.pendingTokens = Math.max(0, work.pendingTokens - computed);
  return work;
}

/** What a report shows beyond what is this router's own. */
function over(reported: number, own: number): number {
  return Math.max(0, reported - own);
}
