// How far every figure is from the bar it must meet, in one picture: 1 is the bar.

import type { Report } from "../measure/report.ts";
import { barChart } from "./bar-chart.ts";

/** A figure this many times its bar would press all others to the edge. */
const shownMax = 4;

/** Null when no bar has a measured value that can be compared. */
export function goalChart({ benchmark, bars }: Report): string | null {
  const groups = bars
    .filter(({ limit, value }) => limit > 0 && value !== null && value >= 0)
    .map(({ name, value, limit, comparison }) => ({
      name,
      bars: [
        {
          series: comparison === ">=" ? "must reach 1" : "must not exceed 1",
          samples: [Math.min(shownMax, (value ?? 0) / limit)],
        },
      ],
    }));
  if (groups.length === 0) return null;
  return barChart({ title: `${benchmark}: measured over its bar`, unit: "x", groups });
}
