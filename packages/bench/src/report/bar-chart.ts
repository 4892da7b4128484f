// Measured figures as horizontal bars: the median as the bar, every single run as a dot, and a line
// from the least to the most, so that nobody takes noise for a difference.

import { median } from "../measure/statistics.ts";
import {
  colourOf,
  drawable,
  fixed,
  numberText,
  roundTicks,
  svgDocument,
  textAt,
} from "./svg-parts.ts";
import type { Picture } from "./svg-parts.ts";

export interface BarChart {
  readonly title: string;
  /** Of all values; empty where the title says it. */
  readonly unit: string;
  /** One below the other. */
  readonly groups: readonly BarGroup[];
}

export interface BarGroup {
  readonly name: string;
  readonly bars: readonly {
    /** The same name has the same colour in every group. */
    readonly series: string;
    /** One for each run; none = not measured. Not negative. */
    readonly samples: readonly number[];
  }[];
}

const width = 760;
const margin = { left: 270, right: 90, top: 70, bottom: 40 };
const barHeight = 16;
const barGap = 4;
const groupGap = 14;
const labelCharsMax = 40;

/** The chart as the text of an SVG file. */
export function barChart(chart: BarChart): string {
  const { size, parts } = barPicture(chart);
  return svgDocument(size, headingOf(chart), parts);
}

/** The chart as a part of a file. */
export function barPicture(chart: BarChart): Picture {
  const { groups } = chart;
  const series = [...new Set(groups.flatMap(({ bars }) => bars.map((bar) => bar.series)))];
  const values = groups.flatMap(({ bars }) => bars.flatMap(({ samples }) => drawable(samples)));
  const ticks = roundTicks(
    values.reduce((most, value) => Math.max(most, value), 0),
    5,
  );
  const top = ticks.at(-1) ?? 1;
  const scale = (value: number): number =>
    margin.left + ((width - margin.left - margin.right) * value) / top;
  const parts: string[] = [];
  let y = margin.top;
  for (const group of groups) {
    parts.push(groupLabel(group, y));
    for (const { series: name, samples } of group.bars) {
      parts.push(drawnBar({ y, colour: colourOf(series.indexOf(name)), scale }, drawable(samples)));
      y += barHeight + barGap;
    }
    y += groupGap;
  }
  const bottom = y - groupGap + barGap;
  const frame = [
    textAt(16, 26, headingOf(chart), `font-size="15" font-weight="bold"`),
    ...legend(series),
    ...ticks.map((tick) => gridLine(scale(tick), bottom, numberText(tick))),
  ];
  const size = { width, height: Math.round(bottom + margin.bottom) };
  return { size, parts: [...frame, ...parts] };
}

function headingOf({ title, unit }: BarChart): string {
  return unit === "" ? title : `${title}, ${unit}`;
}

interface BarPlace {
  readonly y: number;
  readonly colour: string;
  readonly scale: (value: number) => number;
}

function drawnBar({ y, colour, scale }: BarPlace, samples: readonly number[]): string {
  const middle = y + barHeight / 2;
  if (samples.length === 0)
    return textAt(margin.left + 6, middle + 4, "not measured", `fill="#888"`);
  const value = median(samples);
  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  const parts = [
    `<rect x="${margin.left}" y="${fixed(y)}" width="${fixed(scale(value) - margin.left)}" ` +
      `height="${barHeight}" fill="${colour}" fill-opacity="0.65"/>`,
    `<path d="M${fixed(scale(least))} ${fixed(middle)}H${fixed(scale(most))}" stroke="#222"/>`,
    ...samples.map(
      (sample) =>
        `<circle cx="${fixed(scale(sample))}" cy="${fixed(middle)}" r="2" fill="#222" ` +
        `fill-opacity="0.6"/>`,
    ),
    textAt(scale(most) + 8, middle + 4, numberText(value)),
  ];
  return parts.join("");
}

function groupLabel({ name, bars }: BarGroup, y: number): string {
  const height = bars.length * (barHeight + barGap) - barGap;
  const shown = name.length <= labelCharsMax ? name : `${name.slice(0, labelCharsMax - 1)}…`;
  return textAt(margin.left - 10, y + height / 2 + 4, shown, `text-anchor="end"`);
}

function legend(series: readonly string[]): readonly string[] {
  if (series.length < 2) return [];
  let x = margin.left;
  return series.map((name, index) => {
    const mark = `<rect x="${fixed(x)}" y="40" width="12" height="12" fill="${colourOf(index)}"/>`;
    const label = textAt(x + 18, 50, name);
    x += 18 + name.length * 7 + 22;
    return mark + label;
  });
}

function gridLine(x: number, bottom: number, label: string): string {
  return (
    `<path d="M${fixed(x)} ${margin.top - 6}V${fixed(bottom)}" stroke="#ddd"/>` +
    textAt(x, bottom + 18, label, `text-anchor="middle"`)
  );
}
