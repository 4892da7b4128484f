// A measured table as a picture: bars for every column of numbers, each on a scale of its own. Where a
// cell has several numbers, or an interval behind its number, the bar has that spread.

import { barPicture } from "./bar-chart.ts";
import { svgStack } from "./svg-parts.ts";

type Cells = readonly (readonly string[])[];

const rowsMax = 60;
const interval = /^(-?[\d.]+) (?:\S+ )?\(([\d.]+)\D* to ([\d.]+)\D*\)$/;
const withUnit = /^-?\d+(?:\.\d+)?(?: ?(?:%|x|ms|s|us|tok\/s|MiB|GiB|GB\/s))?$/;

/** Null when no column of `cells` (its head first) holds numbers. */
export function tableChart(title: string, cells: Cells): string | null {
  const [head = [], ...rows] = cells;
  if (rows.length === 0 || rows.length > rowsMax) return null;
  const numeric = head.map((_, column) => column > 0 && isNumeric(rows, column));
  const labels = rows.map((row) => labelOf(row, numeric));
  const pictures = head.flatMap((name, column) => {
    if (!(numeric[column] ?? false)) return [];
    const groups = rows.map((row, index) => ({
      name: labels[index] ?? "",
      bars: [{ series: name, samples: numbersOf(row[column] ?? "") ?? [] }],
    }));
    return [barPicture({ title: name || title, unit: "", groups })];
  });
  return pictures.length === 0 ? null : svgStack(title, pictures);
}

/** The columns of words say what a row is. */
function labelOf(row: readonly string[], numeric: readonly boolean[]): string {
  return row.filter((cell, column) => !(numeric[column] ?? false) && cell !== "").join(", ");
}

function isNumeric(rows: Cells, column: number): boolean {
  const values = rows.map((row) => row[column] ?? "").filter((cell) => !/^(|-|not .*)$/.test(cell));
  return values.length > 0 && values.every((cell) => numbersOf(cell) !== null);
}

/** Null for a cell that is no number, no list of numbers and no number with an interval. */
function numbersOf(cell: string): readonly number[] | null {
  const found = interval.exec(cell);
  if (found) return [Number(found[1]), Number(found[2]), Number(found[3])];
  if (withUnit.test(cell)) return [Number.parseFloat(cell)];
  const words = cell.split(" ");
  return words.every((word) => /^\d+(\.\d+)?$/.test(word)) ? words.map(Number) : null;
}
