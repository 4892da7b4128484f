// The table of metrics in docs/operations.md, made from the metrics themselves.

import { listMetrics } from "@loci/server";
import type { MetricDescription } from "@loci/server";

const begin = "<!-- Metrics: written by `node scripts/generate-docs.ts`. -->";
const end = "<!-- End of metrics. -->";

/** `page` with its tables as they are now. Throws when it has no place for them. */
export async function withMetrics(page: string): Promise<string> {
  const [start, stop] = [page.indexOf(begin), page.indexOf(end)];
  if (start < 0 || stop < start) throw new Error(`the page needs ${begin} and ${end}`);
  return `${page.slice(0, start)}${begin}\n\n${await metricsMarkdown()}\n${page.slice(stop)}`;
}

async function metricsMarkdown(): Promise<string> {
  const own = await listMetrics();
  const both = await listMetrics("vllm");
  return [
    table(own),
    "With `--metrics-compat vllm`, besides:\n",
    table(both.slice(own.length)),
  ].join("\n");
}

type Row = readonly [string, string, string, string];

const head: Row = ["Metric", "Kind", "Labels", "Meaning"];

/** Columns are padded as the formatter would pad them. */
function table(metrics: readonly MetricDescription[]): string {
  const rows = [head, ...metrics.map(rowOf)];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0))),
  );
  const rule = line(widths.map((width) => "-".repeat(width)));
  return `${[...lines.slice(0, 1), rule, ...lines.slice(1)].join("\n")}\n`;
}

function rowOf({ name, kind, labels, help }: MetricDescription): Row {
  const own = labels.filter((label) => label !== "le");
  return [`\`${name}\``, kind, own.map((label) => `\`${label}\``).join(", "), help];
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
