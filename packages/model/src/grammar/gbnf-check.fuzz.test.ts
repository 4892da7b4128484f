// Random grammars, near-grammars and noise: the check ends with a verdict of its own, and what
// passes can be walked within the bound that it promises.
import { LociError } from "@loci/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkGrammar } from "./gbnf-check.ts";
import { gbnfLimits } from "./gbnf-limits.ts";
import { parseGrammar } from "./gbnf-parser.ts";
import { StackWalker, tellingCharacters } from "./gbnf-stacks.ts";

const pieces: readonly string[] = [
  '"a" "ab" "" [a-c] [^a] . root x y ( ) | * + ? {2} {1,3} {0,} {1000} ::= # <[1]>'.split(" "),
  ["\n", " ", "x ::=", "y ::=", "\\", '"'],
].flat();
const piece = fc.constantFrom(...pieces);

function isAccepted(gbnf: string): boolean {
  try {
    checkGrammar(gbnf);
    return true;
  } catch (error) {
    if (error instanceof LociError && error.code === "invalid_request") return false;
    throw error;
  }
}

// (fast-check's own strings of any code point take seconds to set up.)
const noiseText = fc
  .array(fc.integer({ min: 0, max: 0x10ffff }), { maxLength: 10 })
  .map((codes) => String.fromCodePoint(...codes));

describe("checkGrammar", () => {
  test("ends with a verdict on noise", () => {
    let verdicts = 0;
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), noiseText, (parts, noise) => {
        isAccepted(`root ::= ${parts.join(" ")}`);
        isAccepted(`root ::= ${parts.join("")}${noise}`);
        verdicts++;
      }),
      { seed: 11, numRuns: 1500 },
    );
    expect(verdicts).toBe(1500);
  });

  test("what passes stays within the promised number of readings", () => {
    const sequence = fc.array(
      fc.constantFrom("x", "y", "root", '"a"', "[ab]", '"b"?', "[a]*", ""),
      {
        maxLength: 4,
      },
    );
    const body = fc
      .array(sequence, { minLength: 1, maxLength: 3 })
      .map((alternatives) => alternatives.map((each) => each.join(" ")).join(" | "));
    let accepted = 0;
    fc.assert(
      fc.property(body, body, body, fc.infiniteStream(fc.nat()), (root, x, y, choices) => {
        const gbnf = `root ::= ${root}\nx ::= ${x}\ny ::= ${y}\n`;
        if (!isAccepted(gbnf)) return;
        accepted++;
        const walker = new StackWalker(parseGrammar(gbnf), gbnfLimits.stacksMax * 8);
        let set = walker.start();
        for (let length = 0; length < 60 && set.stacks.size > 0; length++) {
          const next = tellingCharacters(set);
          set = walker.advance(set, next[(choices.next().value ?? 0) % next.length] ?? 0);
        }
      }),
      { seed: 12, numRuns: 1500 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
