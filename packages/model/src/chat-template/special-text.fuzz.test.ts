// Arbitrary strings over an alphabet in which special tokens are likely, against the definition:
// no piece holds a special token, and the pieces spell the text.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PatternSet } from "./pattern-set.ts";
import { MarkerPlan, SpecialText } from "./special-text.ts";

const alphabet = fc.constantFrom("<", "|", "a", "b", ">", "😀", "\uFDD0", "\uE000", "<|a|>", "ab");
const strings = fc.array(alphabet, { maxLength: 12 }).map((parts) => parts.join(""));
const tokens = fc.array(strings, { maxLength: 6 });
const seeded = { seed: 20_261_121, numRuns: 2000 };

function piecesOf(special: SpecialText, plan: MarkerPlan, text: string): readonly string[] {
  return plan.split(plan.mark(text, special.cuts(text)));
}

function charactersIn(token: string): number {
  return Array.from(token).length;
}

function isBreakable(token: string): boolean {
  return charactersIn(token) >= 2;
}

describe("PatternSet", () => {
  test("finds what a naive search finds", () => {
    fc.assert(
      fc.property(tokens, strings, (patterns, text) => {
        const found: string[] = [];
        new PatternSet(patterns).scan(text, (end, length) => found.push(`${end}/${length}`));
        const expected: string[] = [];
        for (let end = 1; end <= text.length; end++) {
          const lengths = patterns
            .filter((pattern) => pattern !== "" && text.slice(0, end).endsWith(pattern))
            .map((pattern) => pattern.length);
          if (lengths.length > 0) expected.push(`${end}/${Math.min(...lengths)}`);
        }
        expect(found).toEqual(expected);
      }),
      seeded,
    );
  });

  test("takes time in proportion to the text with many patterns", () => {
    const many = Array.from({ length: 2000 }, (_, index) => `<|reserved_special_token_${index}|>`);
    const special = new SpecialText(many);
    expect(special.cuts("<|reserved_special_token_".repeat(20_000))).toHaveLength(1);
    expect(special.cuts("<|reserved_special_token_1999|>".repeat(5000))).toHaveLength(5000);
  });
});

describe("SpecialText", () => {
  test("breaks every occurrence, between characters only, and loses nothing", () => {
    fc.assert(
      fc.property(tokens, strings, (special, text) => {
        const plan = new MarkerPlan([text, ...special]);
        const pieces = piecesOf(new SpecialText(special), plan, text);
        expect(pieces.join("")).toBe(text);
        for (const piece of pieces) {
          expect(piece.isWellFormed()).toBe(true);
          for (const token of special.filter(isBreakable)) expect(piece).not.toContain(token);
        }
      }),
      seeded,
    );
  });

  test("two strings side by side cannot spell a token of three characters or more", () => {
    fc.assert(
      fc.property(tokens, strings, strings, (special, first, second) => {
        const finder = new SpecialText(special);
        const plan = new MarkerPlan([first, second, ...special]);
        const rendered =
          plan.mark(first, finder.cuts(first)) + plan.mark(second, finder.cuts(second));
        const pieces = plan.split(rendered);
        expect(pieces.join("")).toBe(first + second);
        for (const token of special.filter((each) => charactersIn(each) >= 3)) {
          for (const piece of pieces) expect(piece).not.toContain(token);
        }
      }),
      seeded,
    );
  });

  test("leaves ordinary text in one piece", () => {
    const special = new SpecialText(["<s>", "</s>", "<|im_start|>", "<|im_end|>"]);
    for (const text of ["", "plain", "a < b && c > d", "<div>|im</div>", "x<", "im_start", "<|"]) {
      const cuts = special.cuts(text);
      expect(cuts).toEqual(text === "<|" ? [1] : []);
    }
  });

  test("a marker is a character that occurs nowhere else", () => {
    const all = Array.from({ length: 32 }, (_, index) => String.fromCodePoint(0xfdd0 + index));
    const plan = new MarkerPlan([all.join(""), "\uE000"]);
    expect(plan.mark("ab", [1])).toBe("a\uE001b");
    const everything = Array.from({ length: 0x1900 }, (_, index) =>
      String.fromCodePoint(0xe000 + index),
    );
    expect(() => new MarkerPlan([...all, ...everything])).toThrow(/private-use/u);
  });
});
