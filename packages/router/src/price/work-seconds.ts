// Work turned into seconds of a worker's device, by the coefficients it learned.

import type { LatencyCoefficients } from "@loci/core";

/** `missed` tokens at the end of `known`, beside the fixed cost of steps. */
export function promptSeconds(price: LatencyCoefficients, missed: number, known: number): number {
  const attended = missed * (known - missed / 2);
  return missed * price.secondsPerToken + attended * price.secondsPerAttended;
}

/** A step in which `sequences` decode that hold `contextTokens` together. */
export function decodeStepSeconds(
  price: LatencyCoefficients,
  sequences: number,
  contextTokens: number,
): number {
  const { secondsPerStep, secondsPerToken, secondsPerSequence, secondsPerAttended } = price;
  return (
    secondsPerStep +
    sequences * (secondsPerToken + secondsPerSequence) +
    contextTokens * secondsPerAttended
  );
}

/** What one more sequence of that context adds to a step. */
export function joinSeconds(price: LatencyCoefficients, contextTokens: number): number {
  const { secondsPerToken, secondsPerSequence, secondsPerAttended } = price;
  return secondsPerToken + secondsPerSequence + contextTokens * secondsPerAttended;
}
