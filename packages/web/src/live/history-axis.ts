// Time as charts of the last minutes show it: seconds before the newest point.

import { formatSeconds } from "../format.ts";
import type { HistoryPoint } from "./live-history.ts";

/** Zero or less, oldest first. */
export function secondsBeforeNow(points: readonly HistoryPoint[]): readonly number[] {
  const now = points.at(-1)?.atMs ?? 0;
  return points.map(({ atMs }) => (atMs - now) / 1000);
}

/** Charts of history show at least the last minute. */
export const historySecondsMin = -60;

/** "now", "−30 s", "−5 min". */
export function formatBeforeNow(seconds: number): string {
  return seconds > -0.5 ? "now" : formatSeconds(Math.round(seconds));
}
