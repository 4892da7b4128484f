// The memory's last minutes as lines: where prompt tokens came from, and what was brought back or
// computed again.

import type { HistoryPoint, TokenDeltas } from "../../live/live-history.ts";

/** A value for each point in time; null where nothing is known. */
export type Line = readonly (number | null)[];

export interface SharesOverTime {
  /** Stacked: each line adds to the one before, so that the last is the whole cached share. */
  readonly device: Line;
  readonly deviceHost: Line;
  readonly deviceHostDisk: Line;
}

export interface TokensOverTime {
  readonly restored: Line;
  readonly recomputed: Line;
}

/** Points that one value is taken over: single seconds say little of requests that take several. */
export const windowPoints = 30;

/** Of the prompt tokens of the last `windowPoints` points, shares by the memory that had them. */
export function sharesOverTime(points: readonly HistoryPoint[]): SharesOverTime {
  const sums = windowSums(points);
  const share = (part: (tokens: TokenDeltas) => number): Line =>
    sums.map((sum) => (sum === null || sum.prompt <= 0 ? null : part(sum) / sum.prompt));
  return {
    device: share(({ fromDevice }) => fromDevice),
    deviceHost: share(({ fromDevice, fromHost }) => fromDevice + fromHost),
    deviceHostDisk: share(({ fromDevice, fromHost, fromDisk }) => fromDevice + fromHost + fromDisk),
  };
}

/** Tokens between one point and the next. */
export function tokensOverTime(points: readonly HistoryPoint[]): TokensOverTime {
  return {
    restored: points.map(({ tokens }) => tokens?.restored ?? null),
    recomputed: points.map(({ tokens }) => tokens?.recomputed ?? null),
  };
}

const none: TokenDeltas = {
  prompt: 0,
  fromDevice: 0,
  fromHost: 0,
  fromDisk: 0,
  restored: 0,
  recomputed: 0,
};

/** For each point the sum over the last ones up to it; null where nothing was known. */
function windowSums(points: readonly HistoryPoint[]): readonly (TokenDeltas | null)[] {
  let sum = none;
  return points.map(({ tokens }, index) => {
    if (tokens !== null) sum = combine(sum, tokens, 1);
    const left = points[index - windowPoints]?.tokens ?? null;
    if (left !== null) sum = combine(sum, left, -1);
    return tokens === null ? null : sum;
  });
}

function combine(sum: TokenDeltas, other: TokenDeltas, sign: 1 | -1): TokenDeltas {
  return {
    prompt: sum.prompt + sign * other.prompt,
    fromDevice: sum.fromDevice + sign * other.fromDevice,
    fromHost: sum.fromHost + sign * other.fromHost,
    fromDisk: sum.fromDisk + sign * other.fromDisk,
    restored: sum.restored + sign * other.restored,
    recomputed: sum.recomputed + sign * other.recomputed,
  };
}
