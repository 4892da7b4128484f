// Each assumption of the native tokenizer, broken one at a time. With LOCI_VOCABULARIES naming a
// folder of real vocabulary files, those must pass too.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { LociError } from "@loci/core";
import { expect, test } from "vitest";
import { MemorySource } from "./byte-source.ts";
import { parseGguf, readGguf } from "./gguf-file.ts";
import type { GgufValue, GgufValueType } from "./gguf-format.ts";
import { bpeVocabulary, spmVocabulary } from "./testing/gguf-samples.ts";
import { checkVocabulary } from "./gguf-vocabulary-check.ts";
import { encodeGguf, type GgufWriteValue } from "./gguf-writer.ts";

function check(metadata: Map<string, GgufWriteValue>): LociError | null {
  const bytes = encodeGguf({ metadata, tensors: [] });
  const file = parseGguf(new MemorySource(bytes), "model.gguf");
  try {
    checkVocabulary(file);
    return null;
  } catch (error) {
    if (error instanceof LociError) return error;
    throw error;
  }
}

type Change = readonly [string, GgufValueType, GgufValue] | readonly [string];

function changed(base: () => Map<string, GgufWriteValue>, change: Change): LociError | null {
  const metadata = base();
  const key = change[0].includes(".") ? change[0] : `tokenizer.ggml.${change[0]}`;
  if (change.length === 1) metadata.delete(key);
  else metadata.set(key, { type: change[1], value: change[2] });
  return check(metadata);
}

function tokensWith(
  base: () => Map<string, GgufWriteValue>,
  index: number,
  text: string,
): string[] {
  const value = base().get("tokenizer.ggml.tokens")?.value;
  if (!Array.isArray(value)) throw new Error("tokens are a list");
  return value.map((token: unknown, position) => (position === index ? text : String(token)));
}

test("usable vocabularies pass", () => {
  expect(check(spmVocabulary())).toBeNull();
  expect(check(bpeVocabulary())).toBeNull();
  expect(changed(spmVocabulary, ["scores"])).toBeNull();
  expect(changed(bpeVocabulary, ["split.count", "uint16", 1])).toBeNull();
  // Out of range, but the loader then leaves it unset.
  expect(changed(bpeVocabulary, ["padding_token_id", "uint32", 4_294_967_295])).toBeNull();
});

const strings = "array<string>";
const integers = "array<int32>";

test.each<readonly [string, () => Map<string, GgufWriteValue>, Change, RegExp]>([
  ["no tokenizer", bpeVocabulary, ["model"], /has no tokenizer/],
  ["another tokenizer", bpeVocabulary, ["model", "string", "bert"], /the tokenizer "bert"/],
  ["a tokenizer that aborts", bpeVocabulary, ["model", "string", "none"], /"none"/],
  [
    "a model of another type",
    bpeVocabulary,
    ["model", "uint32", 1],
    /type uint32 instead of string/,
  ],
  ["recursive rules", bpeVocabulary, ["pre", "string", "tekken"], /overflow its stack/],
  ["no rules", bpeVocabulary, ["pre"], /"default"/],
  ["no tokens", bpeVocabulary, ["tokens"], /tokens is missing/],
  ["an empty list", bpeVocabulary, ["tokens", strings, []], /has 0 entries/],
  [
    "tokens of another type",
    bpeVocabulary,
    ["tokens", integers, new Int32Array(6)],
    /array<int32>/,
  ],
  [
    "equal tokens",
    bpeVocabulary,
    ["tokens", strings, tokensWith(bpeVocabulary, 4, "a")],
    /token 4 also as token 1/,
  ],
  [
    "equal tokens up to a NUL",
    bpeVocabulary,
    ["tokens", strings, tokensWith(bpeVocabulary, 4, "a\0b")],
    /token 4 also as token 1/,
  ],
  [
    "an empty token whose name is taken",
    bpeVocabulary,
    ["tokens", strings, ["[EMPTY_5]", "a", "b", "Ġ", "ab", ""]],
    /token 5 also as token 0/,
  ],
  [
    "a token without end",
    bpeVocabulary,
    ["tokens", strings, tokensWith(bpeVocabulary, 4, "x".repeat(5000))],
    /5000 characters/,
  ],
  ["too few types", bpeVocabulary, ["token_type", integers, new Int32Array(5)], /5 entries for 6/],
  [
    "narrow types",
    bpeVocabulary,
    ["token_type", "array<uint8>", new Uint8Array(6)],
    /array<uint8>/,
  ],
  [
    "types of the same width",
    bpeVocabulary,
    ["token_type", "array<float32>", new Float32Array(6)],
    /instead of array<int32>/,
  ],
  [
    "a byte token by another name",
    bpeVocabulary,
    ["token_type", integers, new Int32Array([3, 6, 1, 1, 1, 1])],
    /byte token 1/,
  ],
  ["too few scores", spmVocabulary, ["scores", "array<float32>", new Float32Array(2)], /2 entries/],
  [
    "a score that is no number",
    spmVocabulary,
    ["scores", "array<float32>", new Float32Array(262).fill(Number.NaN)],
    /not a number for token 0/,
  ],
  ["wide scores", spmVocabulary, ["scores", "array<float64>", new Float64Array(262)], /float64/],
  ["no BOS", bpeVocabulary, ["bos_token_id"], /bos_token_id is missing/],
  ["EOS out of range", spmVocabulary, ["eos_token_id", "uint32", 262], /eos_token_id names no/],
  ["EOS of another type", spmVocabulary, ["eos_token_id", "int32", 2], /int32 instead of uint32/],
  ["a flag that is a number", spmVocabulary, ["add_bos_token", "uint32", 1], /instead of bool/],
  ["no merges", bpeVocabulary, ["merges"], /merges is missing/],
  ["a merge of one", bpeVocabulary, ["merges", strings, ["ab"]], /no pair of texts in entry 0/],
  ["a merge of three", bpeVocabulary, ["merges", strings, ["a b", "a b c"]], /entry 1/],
  ["half a merge", bpeVocabulary, ["merges", strings, ["a "]], /entry 0/],
  [
    "a byte that has no token",
    spmVocabulary,
    ["tokens", strings, tokensWith(spmVocabulary, 3 + 0x0a, "<newline>")],
    /byte/,
  ],
  ["one part of several", bpeVocabulary, ["split.count", "uint16", 3], /one of 3 parts/],
])("%s", (_, base, change, message) => {
  const error = changed(base, change);
  expect(error?.message).toMatch(message);
  expect(["model_file_invalid", "not_supported"]).toContain(error?.code);
});

const folder = env["LOCI_VOCABULARIES"];

test.skipIf(folder === undefined)("real vocabularies pass", () => {
  const names = readdirSync(folder ?? "").filter((name) => name.endsWith(".gguf"));
  expect(names.length).toBeGreaterThan(0);
  for (const name of names) checkVocabulary(readGguf(join(folder ?? "", name)));
});
