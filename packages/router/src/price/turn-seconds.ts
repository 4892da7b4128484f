// When a prompt's turn comes in a worker's queue. Our engine keeps a quarter of each step for the
// prompts that lack least, so a short one waits for those as short as itself, at that pace, where
// that is sooner than for all who came before it.

import type { RoutedWorker } from "../members/routed-worker.ts";

/** Of the time that prompts get, one in so many parts is for the shortest (the engine's scheduler). */
const expressParts = 4;

/**
 * Seconds of the device that pass before a prompt that lacks `missedTokens`, or `promptSeconds`, is
 * computed itself; `queueSeconds` are those of all prompts that are there.
 */
export function turnSeconds(
  { facts, own, sizes }: RoutedWorker,
  queueSeconds: number,
  missedTokens: number,
  promptSeconds: number,
): number {
  const quickest = (expressParts - 1) * promptSeconds;
  // Other engines serve in order of arrival.
  if (facts.engine !== undefined || queueSeconds <= quickest) return queueSeconds;
  if (own.pendingTokens === 0) return queueSeconds;
  const shorterShare = Math.min(1, sizes.tokensUpTo(missedTokens) / own.pendingTokens);
  return Math.min(queueSeconds, quickest + expressParts * shorterShare * queueSeconds);
}
