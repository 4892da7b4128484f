// What a router is told of an engine that was asked who it is.

import type { WorkerFacts } from "@loci/router";
import type { EngineDescription } from "../dialect/engine-dialect.ts";
import { foreignDefaults, textBlockWords, textContextWords } from "./foreign-options.ts";
import type { ForeignWorkerOptions } from "./foreign-options.ts";

export function workerFactsOf(
  options: ForeignWorkerOptions,
  described: EngineDescription,
  epoch: string,
): WorkerFacts {
  const isText = options.codec === null;
  const context =
    options.contextTokensMax ?? described.contextTokensMax ?? foreignDefaults.contextTokensMax;
  const sequencesMax = described.sequencesMax ?? foreignDefaults.sequencesMax;
  const blockTokens = isText ? textBlockWords : ourBlockTokens(described.gauges.blockTokens);
  const { kvBlocksTotal: blocks, blockTokens: size } = described.gauges;
  // Where the engine does not say: room for a few full contexts.
  const tokens = blocks === null || size === null ? 4 * context : blocks * size;
  return {
    id: options.address.url,
    epoch,
    // Text passes as it is, with the engine's own name in it.
    model: isText ? described.model : (options.model ?? described.model),
    fingerprint: "",
    // How many tokens a text has only the engine knows: it refuses what is too long.
    contextTokensMax: isText ? textContextWords : context,
    blockTokens,
    kvBlocksTotal: Math.max(1, Math.floor(tokens / blockTokens)),
    sequencesMax,
    toleratesGaps: false,
    // Where the engine does not tell, its link does: see AssumedBlocks.
    sendsEvents: true,
    continuesAnswers: !isText,
    engine: described.kind,
  };
}

/** The least multiple of the engine's block that is not too small for a name. */
function ourBlockTokens(engineBlockTokens: number | null): number {
  const size = engineBlockTokens ?? foreignDefaults.blockTokensMin;
  return size * Math.ceil(foreignDefaults.blockTokensMin / size);
}
