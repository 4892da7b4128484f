// Mistral 7B on an RTX A6000, from the regressions that Preble's repository ships (commit 8e7906a;
// digest 3.8), made monotone.
//
// Published, in milliseconds, for n new tokens after x: (lin(n) + attn(x) + quad(n, x)) / 0.9, where
// lin is 22 below 192 tokens and 4.21 + 0.10843 n from 384 on. Its parabola in between turns negative
// from 361 tokens on; here the larger of the two others holds everywhere, as on any device that either
// waits for its weights or computes. attn is what reading the cache takes, 1.86e-4 ms for each token
// (704 GB/s). quad grows with n·x and, because a chunk of any length reads all that came before it,
// with x alone; both are one coefficient of the attended tokens, right for chunks of 1,024 tokens:
// 2.19e-6 + 1.75e-3 / 1024.

import { secondsOfMove } from "./cost-model.ts";
import type { CostModel, MoveRates, MoveWork, StepWork } from "./cost-model.ts";

const stepFloorMs = 22;
const stepBaseMs = 4.21;
const tokenMs = 0.108_43 + 1.13e-3;
const readBaseMs = 0.159;
const cachedTokenMs = 1.86e-4;
const attendedTokenMs = 2.19e-6 + 1.75e-3 / 1024;
const efficiency = 0.9;

/** PCIe 4.0 x16 at what copies reach of it. */
const moves: MoveRates = {
  hostBytesPerSecond: 25e9,
  diskBytesPerSecond: 3e9,
  secondsPerMove: 2e-5,
};

/** Cached tokens that Preble's scheduler counts on per device, and the model's context. */
export const prebleKvTokens = 198_516;
export const prebleContextTokens = 32_768;

export class PrebleCost implements CostModel {
  readonly name: string = "Mistral 7B on A6000";

  /** See CostModel. */
  stepSeconds({ tokens, attended, kvTokens }: StepWork): number {
    const computing = Math.max(stepFloorMs, stepBaseMs + tokenMs * tokens);
    const reading = readBaseMs + cachedTokenMs * kvTokens;
    return (computing + reading + attendedTokenMs * attended) / efficiency / 1000;
  }

  /** See CostModel. */
  moveSeconds(work: MoveWork): number {
    return secondsOfMove(work, moves);
  }
}
