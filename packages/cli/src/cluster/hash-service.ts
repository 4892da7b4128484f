// An engine without a model, as a worker's service: its tokens depend on all that it reads back from
// its blocks, so a wrong block, or a token too many or too few, gives another answer. For tests.

import { greedySampling, systemClock } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { HashRunner, LocalService } from "@loci/engine";
import type { BlockContents, HashRunnerOptions } from "@loci/engine";
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
  const contents = contentsOf(runner);
  const parts = { runner, tokenText: runner, clock: systemClock, reportsBlocks: true, contents };
  return new LocalService(parts);
}

/** A block as bytes: its tokens, then the hashes of their contexts. */
function contentsOf(runner: HashRunner): BlockContents {
  const { blockTokens } = runner.limits;
  return {
    blockBytes: 8 * blockTokens,
    readsHost: false,
    read: (source) => {
      if (source.tier !== "device") return Promise.resolve(null);
      const { tokens, contexts } = runner.readBlock(source.block);
      const words = Int32Array.from([...tokens, ...contexts]);
      return Promise.resolve(new Uint8Array(words.buffer));
    },
    write: (block, bytes) => {
      const words = new Int32Array(bytes.slice().buffer);
      const [tokens, contexts] = [words.subarray(0, blockTokens), words.subarray(blockTokens)];
      runner.writeBlock(block, { tokens, contexts });
      return Promise.resolve();
    },
  };
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
