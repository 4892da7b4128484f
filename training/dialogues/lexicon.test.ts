import { expect, test } from "vitest";
import { EVALUATION_LEXICON, TRAINING_LEXICON } from "./lexicon.ts";
import { createRandom } from "./seeded-random.ts";

test("training and evaluation share no first name", () => {
  const shared = TRAINING_LEXICON.names.filter((name) => EVALUATION_LEXICON.names.includes(name));
  expect(shared).toEqual([]);
  expect(EVALUATION_LEXICON.names.length).toBeGreaterThan(8);
});

test("invented words of the two splits differ", () => {
  const random = createRandom(1);
  const words = (lexicon: typeof TRAINING_LEXICON): Set<string> =>
    new Set(Array.from({ length: 3000 }, () => lexicon.inventedWord(random)));
  const training = words(TRAINING_LEXICON);
  for (const word of words(EVALUATION_LEXICON)) expect(training.has(word)).toBe(false);
});
