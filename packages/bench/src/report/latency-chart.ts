// Latencies as cumulative curves: how large a share of the requests took no longer than that. Every
// percentile is in it, and a curve to the left is a faster server.

import { percentile } from "../measure/statistics.ts";
import {
  colourOf,
  drawable,
  fixed,
  numberText,
  roundTicks,
  svgDocument,
  textAt,
} from "./svg-parts.ts";

export interface LatencyChart {
  readonly title: string;
  readonly xLabel: string;
  readonly series: readonly {
    readonly name: string;
    /** Not negative; in any order. */
    readonly values: readonly number[];
  }[];
}

const width = 760;
const height = 420;
const margin = { left: 64, right: 190, top: 50, bottom: 54 };
/** Points of one curve; more would not be seen. */
const pointsMax = 400;
/** The axis ends here, so that one straggler does not press all others to the edge. */
const shownShare = 0.995;

/** The chart as the text of an SVG file. */
export function latencyChart({ title, xLabel, series }: LatencyChart): string {
  const drawn = series.map(({ name, values }) => ({
    name,
    sorted: drawable(values).toSorted(ascending),
  }));
  const ends = drawn.map(({ sorted }) =>
    sorted.length === 0 ? 0 : percentile(sorted, shownShare),
  );
  const ticks = roundTicks(Math.max(0, ...ends), 6);
  const top = ticks.at(-1) ?? 1;
  const x = (value: number): number =>
    margin.left + ((width - margin.left - margin.right) * Math.min(value, top)) / top;
  const parts = [
    textAt(16, 26, title, `font-size="15" font-weight="bold"`),
    ...[0, 0.25, 0.5, 0.75, 0.9, 1].map((share) => shareLine(share)),
    ...ticks.map((tick) => tickMark(x(tick), numberText(tick))),
    textAt((margin.left + width - margin.right) / 2, height - 14, xLabel, `text-anchor="middle"`),
    ...drawn.map(({ name, sorted }, index) => curve({ name, sorted, index }, x)),
  ];
  return svgDocument({ width, height }, title, parts);
}

interface Curve {
  readonly name: string;
  readonly sorted: readonly number[];
  readonly index: number;
}

function curve({ name, sorted, index }: Curve, x: (value: number) => number): string {
  const colour = colourOf(index);
  const legendY = margin.top + 12 + index * 20;
  const left = width - margin.right + 16;
  const legend =
    `<path d="M${left} ${legendY}h18" stroke="${colour}" stroke-width="2"/>` +
    textAt(left + 24, legendY + 4, `${name} (${sorted.length})`);
  if (sorted.length === 0) return legend;
  const count = Math.min(sorted.length, pointsMax);
  const points = Array.from({ length: count }, (_, place) => {
    const share = (place + 1) / count;
    const at = percentile(sorted, count === 1 ? 1 : place / (count - 1));
    return `${fixed(x(at))},${fixed(y(share))}`;
  });
  const start = `${fixed(x(sorted[0] ?? 0))},${fixed(y(0))}`;
  return (
    `<polyline points="${[start, ...points].join(" ")}" fill="none" stroke="${colour}" ` +
    `stroke-width="2"/>${legend}`
  );
}

/** Of a share from 0 to 1. */
function y(share: number): number {
  return height - margin.bottom - (height - margin.bottom - margin.top) * share;
}

function shareLine(share: number): string {
  const at = fixed(y(share));
  return (
    `<path d="M${margin.left} ${at}H${width - margin.right}" stroke="#ddd"/>` +
    textAt(margin.left - 8, y(share) + 4, `${100 * share} %`, `text-anchor="end"`)
  );
}

function tickMark(x: number, label: string): string {
  const bottom = height - margin.bottom;
  return (
    `<path d="M${fixed(x)} ${bottom}v5" stroke="#555"/>` +
    textAt(x, bottom + 20, label, `text-anchor="middle"`)
  );
}

function ascending(a: number, b: number): number {
  return a - b;
}
