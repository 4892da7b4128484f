// What a worker has to do now: what this router sent there, known to the token, and what its last
// report shows beyond that (other routers' requests), which shrinks at the worker's pace until the
// next report. A report alone is too old: a burst would all see the same idle worker.

import type { LatencyCoefficients } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";

export interface PresentWork {
  requests: number;
  /** Requests that wait for their first token. */
  pendingRequests: number;
  /** Seconds of prompts that are not computed. */
  pendingSeconds: number;
  /** Sequences that decode, and the tokens they hold. */
  decoding: number;
  contextTokens: number;
  /** Tokens that are expected to be generated. */
  answerTokens: number;
  /** Blocks that all are expected to hold in the end. */
  peakBlocks: number;
}

export function presentWork(
  worker: RoutedWorker,
  price: LatencyCoefficients,
  nowMs: number,
): PresentWork {
  const { own, load, ownAtReport: before } = worker;
  const attended = own.pendingAttended * price.secondsPerAttended;
  const pendingSeconds = worker.pendingTokensPresent * price.secondsPerToken + attended;
  const work: PresentWork = {
    requests: worker.requestsPresent,
    pendingRequests: worker.pendingPresent,
    pendingSeconds,
    decoding: own.decoding,
    contextTokens: own.contextTokens,
    answerTokens: own.answerTokens,
    peakBlocks: own.newBlocks,
  };
  if (load !== null) {
    work.decoding += over(load.requestsRunning, worker.requestsAtReport);
    work.contextTokens += over(load.contextTokens, before.contextTokens + before.pendingTokens);
    work.answerTokens += over(load.decodeTokensExpected, before.answerTokens);
    work.peakBlocks = Math.max(0, load.kvBlocksPeak + own.newBlocks - before.newBlocks);
  }
  const sinceSeconds = Math.max(0, nowMs - worker.prefillSeenAtMs) / 1000;
  work.pendingSeconds = Math.max(0, work.pendingSeconds - sinceSeconds);
  return work;
}

/** What a report shows beyond what is this router's own. */
function over(reported: number, own: number): number {
  return Math.max(0, reported - own);
}
