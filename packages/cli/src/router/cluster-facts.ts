// What is said of a cluster when it is ready.

import type { ModelInfo } from "@loci/core";
import type { WorkerFacts } from "@loci/router";

import type { BackendFact } from "../serve/backend.ts";

export function clusterFacts(
  info: ModelInfo,
  workers: readonly WorkerFacts[],
): readonly BackendFact[] {
  const cacheTokens = workers.reduce(
    (sum, { blockTokens, kvBlocksTotal }) => sum + blockTokens * kvBlocksTotal,
    0,
  );
  return [
    ["model", info.architecture],
    ["context", `${info.contextTokensMax} tokens`],
    ["cache", `${cacheTokens} tokens`],
    ["workers", String(workers.length)],
  ];
}
