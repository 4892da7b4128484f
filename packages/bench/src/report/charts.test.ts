import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { atLeast, atMost } from "../measure/report.ts";
import { barChart } from "./bar-chart.ts";
import { goalChart } from "./goal-chart.ts";
import { latencyChart } from "./latency-chart.ts";
import { tableChart } from "./table-chart.ts";
import { roundTicks } from "./svg-parts.ts";

/** Every tag closes in its order, every attribute is quoted, and no number is missing. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  const tags = [...svg.matchAll(/<(\/?)([a-z]+)([^<>]*)>/g)];
  for (const [, close, name = "", rest = ""] of tags) {
    const wrong = close === "/" && open.pop() !== name;
    if (wrong) open.push(`</${name}>`);
    if (close === "" && !rest.endsWith("/")) open.push(name);
    expect(rest.replaceAll(/ [a-z-]+="[^"<>]*"/gi, "")).toMatch(/^\/?$/);
  }
  expect(open).toEqual([]);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(svg).not.toMatch(/(href|url\(|<script)/);
}

const name = fc.string({ unit: "grapheme", maxLength: 40 });
const samples = fc.array(fc.oneof(fc.double(), fc.double({ min: 0, max: 1e6, noNaN: true })), {
  maxLength: 30,
});

test("any figures and names make a well-formed picture that needs nothing else", () => {
  const group = fc.record({
    name,
    bars: fc.array(fc.record({ series: name, samples }), { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 4 }), name, (groups, title) => {
      expectWellFormed(barChart({ title, unit: "ms", groups }));
      const series = groups.map((each) => ({
        name: each.name,
        values: each.bars[0]?.samples ?? [],
      }));
      expectWellFormed(latencyChart({ title, xLabel: "ms", series }));
    }),
    { seed: 21, numRuns: 200 },
  );
});

describe("bars", () => {
  test("say the median, and show every run", () => {
    const bars = [{ series: "loci", samples: [10, 30, 20] }];
    const svg = barChart({ title: "Speed", unit: "tokens/s", groups: [{ name: "all", bars }] });
    expect(svg.match(/<circle/g)).toHaveLength(3);
    expect(svg).toContain(">20</text>");
    expect(svg).toContain("Speed, tokens/s");
  });

  test("say so where nothing was measured", () => {
    const groups = [{ name: "all", bars: [{ series: "loci", samples: [] }] }];
    expect(barChart({ title: "Speed", unit: "s", groups })).toContain("not measured");
  });
});

test("a cumulative curve rises from nobody to everybody", () => {
  const values = Array.from({ length: 1000 }, (_, index) => (index * 7919) % 1000);
  const svg = latencyChart({ title: "TTFT", xLabel: "ms", series: [{ name: "loci", values }] });
  const points = /points="([^"]*)"/.exec(svg)?.[1]?.split(" ") ?? [];
  const places = points.map((point) => point.split(",").map(Number));
  expect(points.length).toBeGreaterThan(100);
  for (const [index, [x = 0, y = 0]] of places.slice(1).entries()) {
    expect(x).toBeGreaterThanOrEqual(places[index]?.[0] ?? 0);
    expect(y).toBeLessThanOrEqual(places[index]?.[1] ?? 0);
  }
});

test("a table becomes bars for each column of numbers, with the spread that its cells have", () => {
  const cells = [
    ["history", "state", "TTFT ms", "ratio (95 %)", "by round", "answers"],
    ["64", "cold", "12.5", "0.31 (0.29 to 0.4)", "1 2 3", "6 of 6"],
    ["128", "warm", "-", "0.25 (0.2 to 0.3)", "4", "5 of 6"],
  ];
  const svg = tableChart("restart", cells) ?? "";
  expectWellFormed(svg);
  for (const title of ["TTFT ms", "ratio (95 %)", "by round"]) expect(svg).toContain(`>${title}<`);
  expect(svg).toContain(">64, cold, 6 of 6<");
  expect(svg).toContain("not measured");
  expect(svg.match(/<circle/g)).toHaveLength(1 + 6 + 4);
  expect(
    tableChart("words", [
      ["a", "b"],
      ["c", "d"],
    ]),
  ).toBeNull();
  expect(tableChart("none", [])).toBeNull();
});

test("figures over their bars; none without a limit to compare with", () => {
  const bars = [atLeast("speed", 3, 2, "x"), atMost("failed", 0, 0, "requests")];
  const svg = goalChart({ benchmark: "serve", bars, figures: {} }) ?? "";
  expect(svg).toContain(">1.5</text>");
  expect(svg).not.toContain("failed");
  expect(goalChart({ benchmark: "serve", bars: bars.slice(1), figures: {} })).toBeNull();
});

test.each([
  [0, [0, 1]],
  [9, [0, 2, 4, 6, 8, 10]],
  [0.3, [0, 0.1, 0.2, 0.3]],
])("ticks up to %d", (largest, expected) => {
  const ticks = roundTicks(largest, 5).map((tick) => Number(tick.toPrecision(6)));
  expect(ticks).toEqual(expected);
});
