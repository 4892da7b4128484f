// The check and the matcher against llama.cpp itself: what the check passes, llama.cpp reads, and
// both agree on which texts match.
import { LociError } from "@loci/core";
import { GrammarState, Vocabulary } from "@loci/ggml";
import * as fc from "fast-check";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeRandomModel } from "../testing/random-model.ts";
import { checkGrammar } from "./gbnf-check.ts";
import { grammarMatches, sampleSentence } from "./gbnf-matcher.ts";
import { grammarForSchema } from "./json-schema-to-gbnf.ts";

let folder = "";
let vocabulary: Vocabulary;
let endToken = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "loci-grammar-"));
  const path = join(folder, "model.gguf");
  writeRandomModel(path, { architecture: "qwen2", weightType: "q8_0", seed: 1 });
  vocabulary = new Vocabulary(path);
  endToken = Array.from({ length: vocabulary.size }, (_, token) => token).findLast((token) =>
    vocabulary.isEndOfGeneration(token),
  )!;
});

afterAll(() => {
  vocabulary[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function nativeMatches(gbnf: string, text: string): Promise<boolean> {
  using state = new GrammarState(vocabulary, gbnf);
  const tokens = await vocabulary.tokenize(text, false, false);
  if (!tokens.every((token) => state.accept(token))) return false;
  return state.allowed([endToken])[0] === 1;
}

/** Compares both on sampled sentences and on these with a character changed. */
async function compare(gbnf: string, choose: () => number): Promise<number> {
  let compared = 0;
  for (let round = 0; round < 3; round++) {
    const sentence = sampleSentence(gbnf, choose);
    if (sentence === null) continue;
    const characters = Array.from(sentence);
    characters[choose() % Math.max(1, characters.length)] = 'x}"1 a'[choose() % 6] ?? "";
    for (const text of [sentence, characters.join("")]) {
      const expected = grammarMatches(gbnf, text);
      expect({ gbnf, text, matches: await nativeMatches(gbnf, text) }).toEqual({
        gbnf,
        text,
        matches: expected,
      });
      compared++;
    }
  }
  return compared;
}

function isAccepted(gbnf: string): boolean {
  try {
    checkGrammar(gbnf);
    return true;
  } catch (error) {
    if (error instanceof LociError) return false;
    throw error;
  }
}

const member = { type: "object", properties: { a: { type: "integer", maximum: 12 } } };
const groups = '("b" | x) ("a" "1")';

const item = fc.constantFrom('"a"', '"é1"', "[a-c]", "[^a]", ".", "x", "y", "root", '""', groups);
const suffix = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{0,3}", "{1,}", "{0,0}");
const sequence = fc
  .array(fc.tuple(item, suffix), { maxLength: 4 })
  .map((parts) => parts.map((each) => each.join("")).join(" "));
const body = fc
  .array(sequence, { minLength: 1, maxLength: 3 })
  .map((each) => each.map((one) => (one === "" ? '""' : one)).join(" | "));

describe("llama.cpp", () => {
  test.each([
    ["any object", null],
    ["any value", {}],
    ["members", { ...member, required: ["a"], additionalProperties: { type: "boolean" } }],
    ["a list", { type: "array", items: member, minItems: 1, maxItems: 20 }],
    ["items by place", { type: "array", prefixItems: [{ type: "null" }, member] }],
    ["a long text", { type: "string", minLength: 3, maxLength: 2000 }],
    ["formats", { anyOf: ["date", "email", "ipv4", "duration"].map((format) => ({ format })) }],
    ["a pattern", { pattern: '^("[^a-z]|\\s\\d){2,30}é?$' }],
    ["a number", { type: "number", exclusiveMinimum: -3, maximum: 170 }],
    ["literals", { enum: Array.from({ length: 1000 }, (_, index) => `value ${index}`) }],
    ["itself", { type: "object", properties: { c: { $ref: "#" } } }],
  ])("matches %s as the matcher does", async (_, schema) => {
    const gbnf = grammarForSchema(schema);
    let seed = 1;
    const choose = (): number => (seed = (seed * 48_271) % 2_147_483_647);
    let compared = 0;
    for (let round = 0; round < 10; round++) compared += await compare(gbnf, choose);
    expect(compared).toBeGreaterThan(5);
  });

  test("reads every random grammar that the check passes, and agrees on its texts", async () => {
    const counts = { accepted: 0, compared: 0 };
    await fc.assert(
      fc.asyncProperty(
        body,
        body,
        body,
        fc.infiniteStream(fc.nat()),
        async (root, x, y, stream) => {
          const gbnf = `root ::= ${root}\nx ::= ${x}\ny ::= ${y}\n`;
          if (!isAccepted(gbnf)) return;
          counts.accepted++;
          counts.compared += await compare(gbnf, () => stream.next().value ?? 0);
        },
      ),
      { seed: 31, numRuns: 3000 },
    );
    expect(counts.accepted).toBeGreaterThan(200);
    expect(counts.compared).toBeGreaterThan(400);
  });
});
