// Features: the same for the same text, of fixed size, finite for any text, and telling apart what
// asks for different amounts.

import { assert, property, string } from "fast-check";
import { expect, it } from "vitest";
import { askedAmount } from "./asked-amount.ts";
import { instructionKinds, kindBit, kindsOf } from "./instruction-words.ts";
import { denseCount, gramsMax, promptFeatures, type PromptFeatures } from "./prompt-features.ts";
import { hashWord, scanText, textEndMax } from "./word-scanner.ts";

function features(userText: string | null, tokens: readonly number[] = []): PromptFeatures {
  return promptFeatures({
    tenant: "",
    promptTokens: Int32Array.from(tokens),
    userText,
    tokensMax: 100,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  });
}

it("any text gives finite features of fixed size and distinct n-grams", () => {
  assert(
    property(string({ unit: "binary", maxLength: 600 }), (text) => {
      const { dense, grams } = features(text);
      expect(dense).toHaveLength(denseCount);
      expect(dense.every((value) => Number.isFinite(value) && Math.abs(value) < 100)).toBe(true);
      expect(grams.length).toBeLessThanOrEqual(gramsMax);
      expect(new Set(grams).size).toBe(grams.length);
      expect(features(text)).toEqual({ dense, grams });
    }),
    { seed: 1, numRuns: 40 },
  );
});

it("words are told whatever their case and the marks around", () => {
  const { words } = scanText("Please, LIST (10) ideas!");
  const expected = ["please", ",", "list", "(", "10", ")", "ideas", "!"].map((word) =>
    hashWord(word),
  );
  expect([...words]).toEqual(expected);
  expect(kindsOf(hashWord("list")) & kindBit.list).not.toBe(0);
  expect(kindsOf(hashWord("lighthouse"))).toBe(0);
  expect(instructionKinds.length).toBeLessThanOrEqual(31);
});

it("counts what a text is made of", () => {
  const text = "Who are you? Tell me.\n\nA wonderful Story";
  const scanned = scanText(text);
  expect(scanned).toMatchObject({
    sentences: 2,
    lines: 2,
    paragraphs: 1,
    questions: 1,
    digits: 0,
    capitals: 4,
    plainWords: 8,
    longWords: 1,
    lastMark: "y",
    isLowerStart: false,
    characters: text.length,
  });
});

it("reads the ends of a long text", () => {
  const long = `start ${"x".repeat(20_000)} end`;
  const scanned = scanText(long);
  expect(scanned.charactersRead).toBe(2 * textEndMax + 1);
  expect(scanned.words[0]).toBe(hashWord("start"));
  expect(scanned.words.at(-1)).toBe(hashWord("end"));
});

function amount(text: string): [number, number] {
  const { tokens, items } = askedAmount(scanText(text));
  return [Math.round(tokens), items];
}

it("finds the amount asked for", () => {
  expect(amount("an essay of 500 words")).toEqual([700, 0]);
  expect(amount("write two short paragraphs")).toEqual([180, 2]);
  expect(amount("a 100-word story")).toEqual([140, 100]);
  expect(amount("list 10 ideas")).toEqual([0, 10]);
  expect(amount("who was king in 1745?")).toEqual([0, 0]);
});

it("without a text, tells prompts apart by their last tokens", () => {
  const one = features(null, [1, 2, 3, 4, 5]);
  const near = features(null, [9, 2, 3, 4, 5]);
  const far = features(null, [60, 70, 80, 90, 100]);
  const shared = (other: PromptFeatures): number =>
    one.grams.filter((gram) => other.grams.includes(gram)).length;
  expect(shared(near)).toBeGreaterThan(5);
  expect(shared(far)).toBe(0);
});
