import { expect, test } from "vitest";
import { randomVocabulary } from "./random-vocabulary.ts";

test.each([1024, 5000, 151_936])("%i tokens, no two alike", (size) => {
  const vocabulary = randomVocabulary(size);
  expect(vocabulary.tokens).toHaveLength(size);
  expect(new Set(vocabulary.tokens).size).toBe(size);
  expect(vocabulary.types).toHaveLength(size);
  expect(vocabulary.tokens[vocabulary.turnEndId]).toBe("<|im_end|>");
  expect(vocabulary.types[vocabulary.turnEndId]).toBe(3);
});

test("both sides and the result of every merge are tokens", () => {
  const vocabulary = randomVocabulary(1024);
  const known = new Set(vocabulary.tokens);
  for (const merge of vocabulary.merges) {
    const [left = "", right = ""] = merge.split(" ");
    expect(known).toContain(left);
    expect(known).toContain(right);
    expect(known).toContain(left + right);
  }
});

test("every byte has a token of one character", () => {
  const { tokens } = randomVocabulary(1024);
  expect(tokens[0x41]).toBe("A");
  expect(tokens[0x20]).toBe("\u0120");
  expect(tokens[0xad]).toBe("\u0143");
  expect(tokens.slice(0, 256).every((token) => token.length === 1)).toBe(true);
});

test("a vocabulary too small for its bytes and words is refused", () => {
  expect(() => randomVocabulary(300)).toThrow("tokens or more");
});
