import * as fc from "fast-check";
import { expect, test } from "vitest";

import { addHistograms, ValueHistogram } from "./histogram.ts";

const bounds = [0.5, 1, 4];

function counted(values: readonly number[]): ValueHistogram {
  const histogram = new ValueHistogram(bounds);
  for (const value of values) histogram.observe(value);
  return histogram;
}

test("a value counts in the first bucket that is large enough", () => {
  const { counts, sum } = counted([0, 0.5, 0.75, 1, 3, 4, 5, 99]).counts();
  expect(counts).toEqual([2, 2, 2, 2]);
  expect(sum).toBe(113.25);
});

test("parts added are the whole", () => {
  const values = fc.array(fc.integer({ min: 0, max: 8 }), { maxLength: 20 });
  fc.assert(
    fc.property(values, values, (one, other) => {
      const added = addHistograms([counted(one).counts(), counted(other).counts()]);
      expect(added).toEqual(counted([...one, ...other]).counts());
    }),
    { seed: 5, numRuns: 100 },
  );
});

test("there is no sum of none, nor over different bounds", () => {
  expect(addHistograms([])).toBeNull();
  const other = new ValueHistogram([0.5, 1, 8]).counts();
  expect(addHistograms([counted([1]).counts(), other])).toBeNull();
});
