import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lowerMedian } from "./lower-median.ts";

test("the middle of the sorted values, of an even number the lower", () => {
  const value = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(1, 2, 3));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 300 }), (values) => {
      const sorted = Float64Array.from(values).toSorted();
      const found = lowerMedian(Float64Array.of(...values, 0.5, 0), values.length);
      expect(found).toBe(sorted[(values.length - 1) >> 1]);
    }),
    { seed: 5, numRuns: 300 },
  );
});
