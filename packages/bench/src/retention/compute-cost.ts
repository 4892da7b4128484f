// What it takes to compute tokens of a prompt: the shape of the latency model, without what a step
// costs whatever is in it, which a cache cannot save.

export interface ComputeCost {
  readonly name: string;
  readonly secondsPerToken: number;
  /** Context at which attending takes as long as everything else. */
  readonly doublingTokens: number;
}

/** Counts tokens: every one is worth the same. */
export const flatCost: ComputeCost = { name: "flat", secondsPerToken: 1, doublingTokens: Infinity };

/** Seconds to compute `tokens` tokens after `positionStart` others. */
export function computeSeconds(cost: ComputeCost, positionStart: number, tokens: number): number {
  const contextMean = positionStart + (tokens + 1) / 2;
  return cost.secondsPerToken * tokens * (1 + contextMean / cost.doublingTokens);
}
