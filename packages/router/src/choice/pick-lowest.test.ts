import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lowestFew, pickLowest } from "./pick-lowest.ts";

const someScores = fc.array(fc.constantFrom(0, 1, 1.5, 2, 7, Number.POSITIVE_INFINITY), {
  minLength: 1,
  maxLength: 12,
});

test("the lowest few are the first of all in order, those before that come first", () => {
  fc.assert(
    fc.property(someScores, fc.nat(), fc.integer({ min: 1, max: 9 }), (scores, draw, most) => {
      const first = draw % scores.length;
      const others = [...scores.keys()]
        .filter((index) => index !== first && Number.isFinite(scores[index]))
        .toSorted((one, other) => (scores[one] ?? 0) - (scores[other] ?? 0));
      const few = lowestFew(Float64Array.from(scores), scores.length, first, most);
      expect(few).toEqual([first, ...others.slice(0, most - 1)]);
    }),
    { seed: 5, numRuns: 300 },
  );
});

test("one of those within the width is drawn, each as often", () => {
  const scores = Float64Array.of(3, 1, 2, 1.25, 1.5);
  const picked = [0, 0.34, 0.67].map((draw) => pickLowest(scores, 5, 0.5, draw));
  expect(picked).toEqual([1, 3, 4]);
  expect(pickLowest(scores, 1, 0.5, 0.9)).toBe(0);
});
