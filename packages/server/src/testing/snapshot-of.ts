// A snapshot of a service that has done nothing, with the parts that a test is about.

import type { ServiceSnapshot } from "@loci/core";

export function snapshotOf(parts: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return {
    requestsRunning: 0,
    requestsWaiting: 0,
    kvBlocksTotal: 8,
    kvBlocksFree: 8,
    kvBlocksCached: 0,
    kvBlockTokens: 32,
    promptTokens: 0,
    cachedTokens: 0,
    computedPromptTokens: 0,
    generatedTokens: 0,
    preemptions: 0,
    steps: 0,
    waitSecondsExpected: 0,
    ...parts,
  };
}
