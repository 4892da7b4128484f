// How much prompt a step may carry, in seconds turned into tokens by the latency model.

import type { LatencyModel, StepLoad } from "@loci/core";

/** Chunks are multiples of it: matrix kernels work in tiles, and full blocks can be shared. */
export const chunkTokens = 32;

export interface StepBudgetOptions {
  /** Query tokens of a step at most. */
  readonly stepTokensMax: number;
  readonly targetStepMs: number | null;
}

/**
 * The target duration of a step that carries prompts, in seconds. Unless it was set:
 * - next to decoding sequences, 8 times their own step, so that prompts get most of the device
 *   and the fixed cost of a step is paid rarely; but 50 to 300 ms, the pauses that a reader of
 *   streamed text does not mind, and at least twice the decoding step;
 * - with nobody decoding, half a second: a newcomer waits that long at most.
 */
export function stepTargetSeconds(
  model: LatencyModel,
  decoding: StepLoad,
  targetStepMs: number | null,
): number {
  if (targetStepMs !== null) return targetStepMs / 1000;
  if (decoding.sequences === 0) return 0.5;
  const alone = model.predictSeconds(decoding);
  return Math.max(2 * alone, Math.min(0.3, Math.max(0.05, 8 * alone)));
}

/**
 * Prompt tokens for the next step: a multiple of `chunkTokens` wherever that is possible, and one
 * chunk at least, however slow the decoding load is.
 */
export function prefillBudget(
  model: LatencyModel,
  decoding: StepLoad,
  contextStart: number,
  options: StepBudgetOptions,
): number {
  const room = Math.max(0, options.stepTokensMax - decoding.tokens);
  const seconds = stepTargetSeconds(model, decoding, options.targetStepMs);
  const fitting = model.prefillTokensWithin(seconds, contextStart, decoding);
  const budget = Math.min(room, Math.max(chunkTokens, fitting));
  return budget < chunkTokens ? budget : budget - (budget % chunkTokens);
}
