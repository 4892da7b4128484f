// Requests at the gaps of a recorded hour: bursts as they are, at another mean rate.

import { assert, defined } from "@loci/core";
import type { SimRequest } from "./sim-request.ts";

/**
 * `count` times in milliseconds, ascending from 0, with the gaps of `recorded` in their order, again
 * from the start when there are no more, and `ratePerSecond` on average.
 */
export function recordedTimes(
  recorded: readonly SimRequest[],
  count: number,
  ratePerSecond: number,
): number[] {
  assert(recorded.length >= 2 && ratePerSecond > 0, "there are gaps");
  const gapCount = recorded.length - 1;
  const times: number[] = [];
  let atMs = 0;
  for (let index = 0; index < count; index++) {
    times.push(atMs);
    const from = defined(recorded[index % gapCount]);
    atMs += defined(recorded[(index % gapCount) + 1]).arrivalMs - from.arrivalMs;
  }
  const scale = atMs > 0 ? (1000 * count) / ratePerSecond / atMs : 0;
  return times.map((timeMs) => timeMs * scale);
}

/** The same requests at these times. */
export function requestsAt(
  requests: readonly SimRequest[],
  times: readonly number[],
): SimRequest[] {
  return requests.map((request, index) => ({ ...request, arrivalMs: defined(times[index]) }));
}
