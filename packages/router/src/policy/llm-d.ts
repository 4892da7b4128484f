// As the llm-d router's default: three scores in [0, 1], weighted: a short queue (2), free memory
// (2), a matching prefix (3). The highest sum wins; here, as everywhere, lower is better.

import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

const queueWeight = 2;
const memoryWeight = 2;
const prefixWeight = 3;
/** What a block in a lower memory counts for. */
const lowerTierCredit = 0.8;

export class LlmD implements PlacementPolicy {
  readonly name = "llm-d";
  readonly tieWidth = 0;

  score({ tokens, workers, hits, scores }: PlacementView): void {
    let shortest = Number.POSITIVE_INFINITY;
    let longest = 0;
    for (const { pendingPresent } of workers) {
      shortest = Math.min(shortest, pendingPresent);
      longest = Math.max(longest, pendingPresent);
    }
    for (const [index, worker] of workers.entries()) {
      const spread = longest - shortest;
      const queue = spread === 0 ? 1 : (longest - worker.pendingPresent) / spread;
      const { load, facts } = worker;
      const memory = load === null ? 1 : load.kvBlocksFree / Math.max(1, load.kvBlocksTotal);
      const { device, host, disk } = hits.blocks(worker);
      const blocks = Math.max(1, Math.floor(tokens.length / facts.blockTokens));
      const prefix = (device + lowerTierCredit * (host + disk)) / blocks;
      scores[index] = -(queueWeight * queue + memoryWeight * memory + prefixWeight * prefix);
    }
  }
}
