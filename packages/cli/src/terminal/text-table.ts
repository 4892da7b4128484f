// Aligned columns under a head, for lists of things. Cells may hold anything: they are cleaned here.

import { oneLine } from "./safe-text.ts";

/** Between two columns. */
const gap = "  ";
/** A cell is cut to this, so that one long name does not push all others off the screen. */
const cellCharsMax = 100;

/**
 * Rows of cells under a head, each column as wide as it needs; ends with a newline. With `columns`
 * (characters of a terminal's line) the last column is cut to fit.
 */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | null = null,
): string {
  const lines = [head, ...rows.map((row) => row.map((cell) => oneLine(cell, cellCharsMax)))];
  const widths = head.map((_, column) =>
    lines.reduce((width, line) => Math.max(width, (line[column] ?? "").length), 0),
  );
  const text = lines.map((line) =>
    cutTo(line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(gap), columns),
  );
  return `${text.join("\n")}\n`;
}

function cutTo(line: string, columns: number | null): string {
  const text = line.trimEnd();
  if (columns === null || text.length <= columns) return text;
  return `${text.slice(0, Math.max(0, columns - 1))}…`;
}
