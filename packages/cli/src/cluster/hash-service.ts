// An engine without a model, as a worker's service: its tokens depend on all that it reads back from
// its blocks, so a wrong block, or a token too many or too few, gives another answer. For tests.

import { greedySampling, systemClock } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { HashRunner, LocalService } from "@loci/engine";
import type { HashRunnerOptions } from "@loci/engine";
import type { WorkerFacts } from "@loci/router";

export const hashLimits: HashRunnerOptions = { blockTokens: 16, contextTokensMax: 512 };

let requests = 0;

/** 100 tokens of prompt that depend on `seed`. */
export function hashRequest(seed: number, maxTokens: number): GenerationRequest {
  return {
    id: `hash-${requests++}`,
    tenant: "tenant",
    promptTokens: Int32Array.from({ length: 100 }, (_, index) => (seed * 7919 + index * 31) % 1000),
    maxTokens,
    minTokens: 0,
    ignoreEos: true,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
  };
}

export function hashService(runner: HashRunner = new HashRunner(hashLimits)): LocalService {
  return new LocalService({ runner, tokenText: runner, clock: systemClock, reportsBlocks: true });
}

export function hashFacts(id: string, epoch: string): WorkerFacts {
  return {
    id,
    epoch,
    model: "hash",
    fingerprint: "hash",
    contextTokensMax: 512,
    blockTokens: 16,
    kvBlocksTotal: 64,
    sequencesMax: 16,
    toleratesGaps: true,
    sendsEvents: true,
    continuesAnswers: true,
  };
}
