// What other routers are told of a request that goes to a worker: enough to send what begins alike to
// the same place, and to count it among the worker's before the worker says so.

import { blockNames, defined } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import type { Placement, SentElsewhere, WorkerFacts } from "@loci/router";

/** Prompts that are alike begin alike: the first blocks tell, for 2 KB at most. */
const toldBlocksMax = 256;

export function sentElsewhere(
  { tenant, promptTokens, deliveredTokens }: GenerationRequest,
  { workerId, candidates }: Placement,
  { blockTokens }: WorkerFacts,
): SentElsewhere {
  const beginning = promptTokens.subarray(0, toldBlocksMax * blockTokens);
  const { device, host, disk } = defined(candidates[0]).cachedTokens;
  const tokens = promptTokens.length + (deliveredTokens?.length ?? 0);
  return {
    workerId,
    names: blockNames(tenant, beginning, blockTokens),
    missedTokens: Math.max(1, tokens - device - host - disk),
  };
}
