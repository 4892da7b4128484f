// Vocabularies that are nearly right: every entry may have been replaced by a nasty one.

import type { Random } from "@loci/core";
import type { GgufWriteValue } from "../gguf-writer.ts";

const nastyTexts: readonly string[] = [
  "",
  " ",
  "\0",
  "a\0b",
  "a b",
  "▁",
  "▁▁",
  "<0x0A>",
  "<0xZZ>",
  "<0x",
  "<s>",
  "</s>",
  "<|im_end|>",
  "<|end|>",
  "<unused1>",
  "\ufffd",
  "😀",
  "Ġ",
  "\n",
  "[EMPTY_1]",
  "x".repeat(300),
];

const nastyNumbers: readonly number[] = [-1, 0, 1, 2, 3, 4, 5, 6, 7, 255, 2 ** 31 - 1, -(2 ** 31)];
const nastyScores: readonly number[] = [0, -0, 1e30, -1e30, Infinity, -Infinity, Number.NaN];
const idKeys: readonly string[] = ["bos", "eos", "eot", "unknown", "padding", "fim_pad", "suffix"];
const flagKeys: readonly string[] = ["add_bos_token", "add_eos_token", "add_space_prefix"];
const rules: readonly string[] = ["gpt-2", "qwen2", "llama-bpe", "smollm", "default", "command-r"];

/** A copy of `base` with one to four entries changed. */
export function mutateVocabulary(
  base: ReadonlyMap<string, GgufWriteValue>,
  random: Random,
): Map<string, GgufWriteValue> {
  const metadata = new Map(base);
  const changes = random.integer(1, 4);
  for (let change = 0; change < changes; change++) {
    const kind = random.integer(0, 5);
    if (kind <= 2) replaceItems(metadata, random);
    else if (kind === 3) {
      const key = `tokenizer.ggml.${pick(idKeys, random)}_token_id`;
      metadata.set(key, { type: "uint32", value: random.integer(0, 300) });
    } else if (kind === 4) {
      const key = `tokenizer.ggml.${pick(flagKeys, random)}`;
      metadata.set(key, { type: "bool", value: random.next() < 0.5 });
    } else {
      metadata.set("tokenizer.ggml.pre", { type: "string", value: pick(rules, random) });
    }
  }
  return metadata;
}

/** Changes some items of one of the lists. */
function replaceItems(metadata: Map<string, GgufWriteValue>, random: Random): void {
  const lists = [...metadata].filter(([, { value }]) => typeof value === "object");
  const [key, entry] = pick(lists, random);
  const { type, value } = entry;
  const rounds = random.integer(1, 3);
  if (value instanceof Int32Array) {
    const copy = Int32Array.from(value);
    for (let round = 0; round < rounds; round++) {
      copy[random.integer(0, copy.length - 1)] = pick(nastyNumbers, random);
    }
    metadata.set(key, { type, value: copy });
  } else if (value instanceof Float32Array) {
    const copy = Float32Array.from(value);
    copy[random.integer(0, copy.length - 1)] = pick(nastyScores, random);
    metadata.set(key, { type, value: copy });
  } else if (Array.isArray(value)) {
    const copy = value.map(String);
    for (let round = 0; round < rounds; round++) {
      copy[random.integer(0, copy.length - 1)] = pick(nastyTexts, random);
    }
    metadata.set(key, { type, value: copy });
  }
}

function pick<T>(items: readonly T[], random: Random): T {
  const item = items[random.integer(0, items.length - 1)];
  if (item === undefined) throw new Error("there is something to pick");
  return item;
}
