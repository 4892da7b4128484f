// Against the naive answer.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findDuplicate } from "./find-duplicate.ts";

test("finds the first repetition, and none where there is none", () => {
  const text = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom("", "a", "aa", "Ġa"));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 40 }), (texts) => {
      const again = texts.findIndex((item, index) => texts.indexOf(item) < index);
      const expected = again < 0 ? null : { first: texts.indexOf(texts[again] ?? ""), again };
      expect(findDuplicate(texts)).toEqual(expected);
    }),
    { numRuns: 1000, seed: 1 },
  );
});

test("tells texts apart whose hashes meet, as some of so many do", () => {
  const texts = Array.from({ length: 200_000 }, (_, index) => index.toString(36));
  expect(findDuplicate(texts)).toBeNull();
  expect(findDuplicate([...texts, "a0"])).toEqual({ first: 360, again: 200_000 });
});
