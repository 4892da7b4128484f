import { expect, test } from "vitest";
import { composeDialogue } from "./compose-dialogue.ts";
import { EVALUATION_LEXICON, TRAINING_LEXICON } from "./lexicon.ts";
import { createRandom } from "./seeded-random.ts";

const SHAPE = { exchanges: 26, recallShare: 0.4, longAnswers: false };
/** ChatML adds about ten tokens to an exchange; text runs at 2.5 letters a token at worst. */
const LETTERS_PER_TOKEN = 2.5;
const TOKENS_PER_EXCHANGE = 10;

function dialogueText(seed: number): string {
  return JSON.stringify(composeDialogue(createRandom(seed), TRAINING_LEXICON, SHAPE));
}

test("one seed writes one dialogue", () => {
  expect(dialogueText(4)).toBe(dialogueText(4));
  expect(dialogueText(4)).not.toBe(dialogueText(5));
});

test("a dialogue of 26 exchanges fits a context of 2,048 tokens", () => {
  const random = createRandom(8);
  for (let round = 0; round < 200; round += 1) {
    const dialogue = composeDialogue(random, TRAINING_LEXICON, SHAPE);
    const letters = dialogue.reduce((sum, one) => sum + one.user.length + one.assistant.length, 0);
    expect(letters / LETTERS_PER_TOKEN + dialogue.length * TOKENS_PER_EXCHANGE).toBeLessThan(2048);
  }
});

test("facts are asked for, most often in the closing turns", () => {
  const random = createRandom(9);
  const asked = Array.from({ length: 26 }, () => 0);
  for (let round = 0; round < 100; round += 1) {
    for (const [turn, exchange] of composeDialogue(random, TRAINING_LEXICON, SHAPE).entries()) {
      if (exchange.skill === "recall") asked[turn] = (asked[turn] ?? 0) + 1;
    }
  }
  expect(Math.min(...asked.slice(-4))).toBeGreaterThan(40);
  expect(Math.min(...asked.slice(5))).toBeGreaterThan(5);
});

test("every exchange accepts its own answer, whichever words it draws on", () => {
  const random = createRandom(10);
  for (const lexicon of [TRAINING_LEXICON, EVALUATION_LEXICON]) {
    for (let round = 0; round < 60; round += 1) {
      for (const exchange of composeDialogue(random, lexicon, { ...SHAPE, longAnswers: true })) {
        expect(
          exchange.accepts(exchange.assistant),
          `${exchange.user} / ${exchange.assistant}`,
        ).toBe(true);
      }
    }
  }
});

test("no slot or alternative is left open", () => {
  const random = createRandom(12);
  for (let round = 0; round < 200; round += 1) {
    for (const exchange of composeDialogue(random, TRAINING_LEXICON, {
      ...SHAPE,
      longAnswers: true,
    })) {
      expect(`${exchange.user} ${exchange.assistant}`).not.toMatch(/[[\]{}|]|undefined/);
    }
  }
});
