import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SeenTokens } from "./seen-tokens.ts";

test("only what lies beyond the longest known prefix is new", () => {
  const seen = new SeenTokens();
  expect(seen.observe([1, 2, 3])).toBe(3);
  expect(seen.observe([1, 2, 3])).toBe(0);
  expect(seen.observe([1, 2, 4, 5])).toBe(2);
  expect(seen.observe([2, 3])).toBe(2);
  expect(seen.observe([])).toBe(0);
  expect(seen.size).toBe(7);
});

test("agrees with comparing every pair of sequences", () => {
  const sequence = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 8 });
  fc.assert(
    fc.property(fc.array(sequence, { maxLength: 20 }), (sequences) => {
      const seen = new SeenTokens();
      for (const [index, tokens] of sequences.entries()) {
        const known = sequences.slice(0, index).map((earlier) => sharedLength(earlier, tokens));
        expect(seen.observe(tokens)).toBe(tokens.length - Math.max(0, ...known));
      }
    }),
    { seed: 1 },
  );
});

function sharedLength(one: readonly number[], other: readonly number[]): number {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length++;
  return length;
}
