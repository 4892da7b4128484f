import { expect, test } from "vitest";
import { expand, fill, mentions } from "./phrasing.ts";
import { createRandom } from "./seeded-random.ts";

test("alternatives expand, nested ones too", () => {
  const random = createRandom(1);
  const seen = new Set(Array.from({ length: 100 }, () => expand(random, "[a|b [c|d]]")));
  expect([...seen].toSorted()).toEqual(["a", "b c", "b d"]);
});

test("slots without a value stay", () => {
  expect(fill("{a} and {b}", { a: "x" })).toBe("x and {b}");
});

test("a mention is a whole word in any casing", () => {
  expect(mentions("Your name is ZORVIK.", "Zorvik")).toBe(true);
  expect(mentions("Your number is 1234.", "123")).toBe(false);
});
