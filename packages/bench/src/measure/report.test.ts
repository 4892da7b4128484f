import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  allMet,
  atLeast,
  atMost,
  barTable,
  jsonLine,
  shortNumber,
  table,
  tableCells,
} from "./report.ts";

test("a bar is met on its own side of the limit, the limit included", () => {
  expect(atLeast("speed", 2, 2, "x").met).toBe(true);
  expect(atLeast("speed", 1.999, 2, "x").met).toBe(false);
  expect(atMost("wait", 50, 50, "ms").met).toBe(true);
  expect(atMost("wait", 50.001, 50, "ms").met).toBe(false);
});

test("what was not measured is missed", () => {
  expect(atLeast("speed", null, 0, "x").met).toBe(false);
  expect(atMost("wait", null, 50, "ms").met).toBe(false);
  expect(atMost("wait", Number.NaN, 50, "ms").met).toBe(false);
  expect(atMost("wait", Number.NEGATIVE_INFINITY, 50, "ms").met).toBe(false);
  expect(allMet([])).toBe(false);
});

test("one missed bar misses the whole report", () => {
  const met = atLeast("a", 2, 1, "x");
  const missed = atLeast("b", 0.5, 1, "x");
  expect(allMet([met])).toBe(true);
  expect(allMet([met, missed])).toBe(false);
  const json: unknown = JSON.parse(
    jsonLine({ benchmark: "x", bars: [met, missed], figures: { n: 1 } }),
  );
  expect(json).toMatchObject({
    benchmark: "x",
    met: false,
    bars: [
      { name: "a", value: 2, comparison: ">=", limit: 1, unit: "x", met: true },
      { name: "b", met: false },
    ],
    figures: { n: 1 },
  });
  expect(barTable([met, missed])).toContain("MISSED");
});

test("tables align", () => {
  const text = table([
    ["a", "long head"],
    ["much longer", "b"],
  ]);
  expect(text.split("\n")).toEqual([
    "a            long head",
    "-----------  ---------",
    "much longer  b",
  ]);
});

test("the cells of a table can be read again, those of other texts not", () => {
  const cell = fc.string({ unit: fc.constantFrom("a", "7", ".", "(", "-x"), maxLength: 6 });
  const row = fc.array(cell, { minLength: 3, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(row, { minLength: 2, maxLength: 5 }), (rows) => {
      // A column without a single character has no rule to be found by.
      const named = rows.map((cells) => cells.map((each) => `x${each}`));
      expect(tableCells(table(named))).toEqual(named);
      expect(tableCells(`About it:\n${table(named)}\n`)).toEqual(named);
    }),
    { seed: 31 },
  );
  expect(tableCells("Best: none")).toBeNull();
});

test.each([
  [0, "0"],
  [1234.56, "1235"],
  [12.3456, "12.35"],
  [0.012341, "0.01234"],
  [-2.5, "-2.5"],
  [3, "3"],
])("%f is written %s", (value, text) => {
  expect(shortNumber(value)).toBe(text);
});
