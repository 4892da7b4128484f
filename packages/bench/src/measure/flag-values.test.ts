import { expect, test } from "vitest";
import { positiveInteger, positiveNumber } from "./flag-values.ts";

test.each(["0", "-1", "1.5", "x", "", "1e99", "Infinity"])("%j is no positive integer", (text) => {
  expect(() => positiveInteger(text)).toThrow("at least 1");
});

test.each(["0", "-1", "x", "", "Infinity", "NaN"])("%j is no positive number", (text) => {
  expect(() => positiveNumber(text)).toThrow("above 0");
});

test("numbers are read", () => {
  expect(positiveInteger("24")).toBe(24);
  expect(positiveNumber("0.5")).toBe(0.5);
});
