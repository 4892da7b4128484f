// What a benchmark says in the end: figures, and bars that are computed from figures. A bar whose
// figure is missing counts as missed, so nothing passes by not being measured.

import { assert } from "@loci/core";

export interface Bar {
  readonly name: string;
  /** Null = not measured. */
  readonly value: number | null;
  readonly comparison: ">=" | "<=";
  readonly limit: number;
  /** E.g. `ms` or `x` for a ratio. */
  readonly unit: string;
  readonly met: boolean;
}

export type Figure =
  | number
  | string
  | boolean
  | null
  | readonly Figure[]
  | { readonly [name: string]: Figure };

export interface Report {
  readonly benchmark: string;
  readonly bars: readonly Bar[];
  readonly figures: Readonly<Record<string, Figure>>;
}

/** A figure that must reach `limit`. */
export function atLeast(name: string, value: number | null, limit: number, unit: string): Bar {
  return bar({ name, value, comparison: ">=", limit, unit });
}

/** A figure that must not exceed `limit`. */
export function atMost(name: string, value: number | null, limit: number, unit: string): Bar {
  return bar({ name, value, comparison: "<=", limit, unit });
}

function bar(facts: Omit<Bar, "met">): Bar {
  assert(Number.isFinite(facts.limit), "a bar has a limit");
  const { value, limit } = facts;
  const measured = value !== null && Number.isFinite(value);
  const met = measured && (facts.comparison === ">=" ? value >= limit : value <= limit);
  return { ...facts, met };
}

/** True when every bar is met and there is at least one. */
export function allMet(bars: readonly Bar[]): boolean {
  return bars.length > 0 && bars.every((each) => each.met);
}

/** The bars as an aligned table. */
export function barTable(bars: readonly Bar[]): string {
  const rows = bars.map((each) => [
    each.name,
    each.value === null ? "not measured" : `${shortNumber(each.value)} ${each.unit}`,
    `${each.comparison} ${shortNumber(each.limit)} ${each.unit}`,
    each.met ? "met" : "MISSED",
  ]);
  return table([["what", "measured", "bar", ""], ...rows]);
}

/** Left-aligned columns, two spaces apart; the first row is underlined. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => (row[column] ?? "").padEnd(width))
      .join("  ")
      .trimEnd();
  const [head, ...body] = rows.map(line);
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [head ?? "", rule, ...body].join("\n");
}

/** The cells of a text that `table` wrote, its head first; null for any other text. */
export function tableCells(text: string): readonly (readonly string[])[] | null {
  const lines = text.split("\n");
  const at = lines.findIndex((line) => /^-+( {2}-+)*$/.test(line));
  if (at < 1) return null;
  const starts: number[] = [];
  for (const column of lines[at]?.matchAll(/-+/g) ?? []) starts.push(column.index);
  const rows = [lines[at - 1] ?? "", ...lines.slice(at + 1).filter((line) => line !== "")];
  return rows.map((row) =>
    starts.map((start, column) => row.slice(start, starts[column + 1]).trim()),
  );
}

/** Four significant digits, without an exponent. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = value === 0 ? 1 : Math.floor(Math.log10(Math.abs(value))) + 1;
  return String(Number(value.toFixed(Math.min(6, Math.max(0, 4 - digits)))));
}

/** One line that holds everything, for machines. */
export function jsonLine(report: Report): string {
  return JSON.stringify({
    benchmark: report.benchmark,
    met: allMet(report.bars),
    bars: report.bars,
    figures: report.figures,
  });
}
