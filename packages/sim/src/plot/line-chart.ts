// A small writer of line charts as SVG: named series over two axes, with ticks at round numbers. Text
// is escaped; numbers come from the caller.

import { defined } from "@loci/core";

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
}

export interface ChartSeries {
  readonly name: string;
  /** Drawn in this order; what is not finite is left out. */
  readonly points: readonly ChartPoint[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** Where the y axis ends; points beyond are drawn at its end. Null = at the largest value. */
  readonly yMax?: number | null;
  /** A dashed line across, with its name. */
  readonly limit?: { readonly y: number; readonly name: string };
}

const width = 720;
const height = 440;
const margin = { left: 76, right: 168, top: 44, bottom: 56 };
const colours = ["#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#a463f2", "#97bbf5"];

/** The chart as the text of an SVG file. */
export function lineChart(series: readonly ChartSeries[], options: ChartOptions): string {
  const drawn = series.map(({ name, points }) => ({
    name,
    points: points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)),
  }));
  const all = drawn.flatMap(({ points }) => points);
  const x = scaleOf(
    all.map((point) => point.x),
    margin.left,
    width - margin.right,
  );
  const limits = options.limit === undefined ? [] : [options.limit.y];
  const values = options.yMax ? [options.yMax] : [...all.map((point) => point.y), ...limits];
  const y = scaleOf(values, height - margin.bottom, margin.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      `font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(margin.left, 24, options.title, `font-size="15" font-weight="bold"`),
    ...axes(x, y, options),
    ...(options.limit === undefined ? [] : limitLine(y, options.limit)),
    ...drawn.flatMap((one, index) => line(one, { x, y }, index)),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

interface Scale {
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** From 0 to the next round number above all values. */
function scaleOf(values: readonly number[], start: number, end: number): Scale {
  const largest = values.reduce((max, value) => Math.max(max, value), 0);
  const step = roundStep(largest > 0 ? largest / 5 : 1);
  const count = Math.max(1, Math.ceil(largest / step - 1e-9));
  const top = step * count;
  const ticks = Array.from({ length: count + 1 }, (_, index) => index * step);
  return { ticks, at: (value) => start + ((end - start) * Math.min(value, top)) / top };
}

/** The next of 1, 2, 2.5, 5, 10 times a power of ten. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9));
  return defined(factor ?? 10) * power;
}

function axes(x: Scale, y: Scale, options: ChartOptions): string[] {
  const bottom = height - margin.bottom;
  const right = width - margin.right;
  const grid = y.ticks.map((tick) => {
    const at = fixed(y.at(tick));
    const label = text(margin.left - 8, Number(at) + 4, tickText(tick), `text-anchor="end"`);
    return `<path d="M${margin.left} ${at}H${right}" stroke="#ddd"/>${label}`;
  });
  const marks = x.ticks.map((tick) => {
    const at = fixed(x.at(tick));
    const label = text(Number(at), bottom + 18, tickText(tick), `text-anchor="middle"`);
    return `<path d="M${at} ${bottom}v5" stroke="#555"/>${label}`;
  });
  const middle = (margin.left + right) / 2;
  const centre = (margin.top + bottom) / 2;
  return [
    ...grid,
    ...marks,
    `<path d="M${margin.left} ${margin.top}V${bottom}H${right}" fill="none" stroke="#555"/>`,
    text(middle, height - 14, options.xLabel, `text-anchor="middle"`),
    text(
      0,
      0,
      options.yLabel,
      `transform="translate(18 ${centre}) rotate(-90)" text-anchor="middle"`,
    ),
  ];
}

function limitLine(
  y: Scale,
  { y: value, name }: { readonly y: number; readonly name: string },
): string[] {
  const at = fixed(y.at(value));
  const right = width - margin.right;
  return [
    `<path d="M${margin.left} ${at}H${right}" stroke="#888" stroke-dasharray="5 4"/>`,
    text(right + 6, Number(at) + 4, name, `fill="#666"`),
  ];
}

function line(
  { name, points }: ChartSeries,
  { x, y }: { readonly x: Scale; readonly y: Scale },
  index: number,
): string[] {
  const colour = defined(colours[index % colours.length]);
  const places = points.map((point) => [fixed(x.at(point.x)), fixed(y.at(point.y))] as const);
  const legend = margin.top + 12 + index * 18;
  const left = width - margin.right + 12;
  return [
    `<polyline points="${places.map((place) => place.join(",")).join(" ")}" fill="none" ` +
      `stroke="${colour}" stroke-width="2"/>`,
    ...places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.5" fill="${colour}"/>`),
    `<path d="M${left} ${legend}h18" stroke="${colour}" stroke-width="2"/>`,
    text(left + 24, legend + 4, name),
  ];
}

function text(x: number, y: number, content: string, attributes = ""): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function tickText(value: number): string {
  return String(Number(value.toPrecision(6)));
}
