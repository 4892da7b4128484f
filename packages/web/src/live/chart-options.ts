// A chart's settings for uPlot, out of what a view says of it. Pure but for the colours, which are
// given.

import type uPlot from "uplot";

export interface ChartLine {
  readonly label: string;
  /** A custom property: "--series-1". */
  readonly color: string;
  /** Told apart without colour. */
  readonly dash?: readonly number[];
  /** Fills down to the line before it, or to zero for the first one. */
  readonly isFilled?: boolean;
}

export interface ChartShape {
  readonly lines: readonly ChartLine[];
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  /** At least this much is shown upwards. */
  readonly topMin: number;
  /** At least so much is shown to the left; absent: from the first point. */
  readonly leftMax?: number;
}

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

export interface ChartColors {
  readonly lines: readonly string[];
  readonly ink: string;
  readonly grid: string;
}

const axisFont = "12px system-ui, sans-serif";

export function chartOptions(
  shape: ChartShape,
  size: ChartSize,
  colors: ChartColors,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const { lines, formatX, formatY, topMin, leftMax = Number.POSITIVE_INFINITY } = shape;
  const axis = { stroke: colors.ink, font: axisFont, grid: { stroke: colors.grid, width: 1 } };
  return {
    ...size,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { time: false, range: (_, left, right) => [Math.min(left, leftMax), right] },
      y: { range: (_, __, top) => [0, Math.max(topMin, top * 1.05)] },
    },
    axes: [
      { ...axis, values: (_, values) => values.map(formatX), space: 70, size: 28 },
      { ...axis, values: (_, values) => values.map(formatY), space: 34, size: 58 },
    ],
    series: [
      {},
      ...lines.map((line, index) => series(line, colors.lines[index] ?? colors.ink, index)),
    ],
    bands: lines.flatMap(({ isFilled = false }, index) =>
      isFilled && index > 0
        ? [{ series: [index + 1, index], fill: translucent(colors.lines[index] ?? colors.ink) }]
        : [],
    ),
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)] },
  };
}

function series(line: ChartLine, color: string, index: number): uPlot.Series {
  const { label, dash, isFilled = false } = line;
  return {
    label,
    stroke: color,
    width: 2,
    points: { show: false },
    ...(dash === undefined ? {} : { dash: [...dash] }),
    ...(isFilled && index === 0 ? { fill: translucent(color) } : {}),
  };
}

/** "rgb(1, 2, 3)" with a quarter of its strength; any other notation as it is. */
function translucent(color: string): string {
  return color.replace(/^rgb\(([^)/]+)\)$/, "rgba($1, 0.25)");
}

/** Indices of at most `countMax` rows for a table, evenly spread, the last one among them. */
export function sampledRows(count: number, countMax: number): readonly number[] {
  if (count <= countMax) return Array.from({ length: count }, (_, index) => index);
  const step = (count - 1) / (countMax - 1);
  return Array.from({ length: countMax }, (_, index) => Math.round(index * step));
}
