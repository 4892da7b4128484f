// Whether a worker would compute a prompt soon. Where it would not, a request that is not sent yet can
// still go where it is best by then. Two prompts are kept at a worker in any case, so that its device
// never waits for the network.

import type { LatencyCoefficients } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { PresentWork } from "./present-work.ts";
import { turnSeconds } from "./turn-seconds.ts";

/** Prompts that a worker has at once: one that is computed and one that is next. */
const promptsMin = 2;
/** Further ones only if their turn comes within so long: about a step that computes prompts. */
const turnSecondsMax = 0.1;

/** A prompt, as it would be at a worker. */
export interface ComingPrompt {
  readonly missedTokens: number;
  /** Of the device. */
  readonly promptSeconds: number;
  /** Of bringing blocks that are held elsewhere: they come while the request waits there. */
  readonly bringSeconds: number;
}

const work = new PresentWork();
const longest: ComingPrompt = {
  missedTokens: Number.POSITIVE_INFINITY,
  promptSeconds: Number.POSITIVE_INFINITY,
  bringSeconds: 0,
};

/** Whether this prompt's turn would come soon, at these prices. */
export function hasRoomFor(
  worker: RoutedWorker,
  prompt: ComingPrompt,
  price: LatencyCoefficients,
  nowMs: number,
): boolean {
  if (worker.pendingPresent < promptsMin) return true;
  const { missedTokens, promptSeconds, bringSeconds } = prompt;
  const { pendingSeconds, stretch } = work.measure(worker, price, nowMs);
  const turn = turnSeconds(worker, pendingSeconds, missedTokens, promptSeconds);
  return turn * stretch <= turnSecondsMax + bringSeconds;
}

/** Whether the turn of any prompt would. */
export function hasRoomForAny(
  worker: RoutedWorker,
  price: LatencyCoefficients,
  nowMs: number,
): boolean {
  return hasRoomFor(worker, longest, price, nowMs);
}
