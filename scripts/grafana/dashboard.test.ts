// The dashboard asks for nothing that is not measured, and the file is what its description says.

import { readFileSync } from "node:fs";

import { listMetrics } from "@loci/server";
import type { MetricDescription } from "@loci/server";
import { describe, expect, test } from "vitest";

import { dashboardJson } from "./dashboard-json.ts";
import { dashboardRows } from "./dashboard-panels.ts";

const panels = dashboardRows.flatMap((row) => row.panels);
const queries = panels.flatMap((panel) => panel.queries.map(({ query }) => query));
const metrics = new Map((await listMetrics()).map((metric) => [metric.name, metric]));

function metricsIn(query: string): readonly string[] {
  return [...query.matchAll(/\b(?:loci|process)_[a-z\d_]+/g)].map(([name]) => name);
}

/** A histogram is asked for by its buckets. */
function described(name: string): MetricDescription | undefined {
  const plain = metrics.get(name);
  if (plain !== undefined) return plain;
  const histogram = metrics.get(name.replace(/_(bucket|sum|count)$/, ""));
  return histogram?.kind === "histogram" ? histogram : undefined;
}

test("deploy/grafana/loci.json is what node scripts/generate-docs.ts writes", () => {
  const path = new URL("../../deploy/grafana/loci.json", import.meta.url);
  expect(readFileSync(path, "utf8")).toBe(dashboardJson());
});

describe("queries", () => {
  test("ask for metrics that exist", () => {
    const asked = queries.flatMap(metricsIn);
    expect(asked.length).toBeGreaterThan(50);
    expect(asked.filter((name) => described(name) === undefined)).toEqual([]);
  });

  test("take rates of counters and buckets, and of nothing else", () => {
    for (const query of queries) {
      const rated = new Set([...query.matchAll(/rate\(([a-z\d_]+)/g)].map(([, name]) => name));
      for (const name of metricsIn(query)) {
        const isGauge = described(name)?.kind === "gauge";
        expect([name, rated.has(name)]).toEqual([name, !isGauge]);
      }
    }
  });

  test("group by labels that their metrics have", () => {
    for (const query of queries) {
      const grouped = [...query.matchAll(/by \(([a-z, ]+)\)/g)].flatMap(([, list = ""]) =>
        list.split(", "),
      );
      const known = new Set(metricsIn(query).flatMap((name) => described(name)?.labels ?? []));
      expect(grouped.filter((label) => label !== "le" && !known.has(label))).toEqual([]);
    }
  });

  test("are for the chosen instances, with balanced brackets", () => {
    for (const query of queries) {
      expect(query.split("$on").length - 1).toBe(metricsIn(query).length);
      expect(query.split("(").length).toBe(query.split(")").length);
    }
  });
});

describe("the file", () => {
  const dashboard: { panels: { id: number; gridPos: Record<"x" | "y" | "w" | "h", number> }[] } =
    JSON.parse(dashboardJson());

  test("gives every panel an id and a place of its own within the grid", () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = new Set<string>();
    for (const { gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let cell = 0; cell < w * h; cell++) {
        const name = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
        expect(cells.has(name)).toBe(false);
        cells.add(name);
      }
    }
  });

  test("says what each panel shows, in words of its own", () => {
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    expect(panels.filter(({ about }) => about.length < 8 || about.endsWith("."))).toEqual([]);
  });
});
