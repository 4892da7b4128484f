// Small files for the tests of this folder: a valid one with every value type, and vocabularies.

import type { GgufValue, GgufValueType } from "../gguf-format.ts";
import type { GgufContent, GgufWriteTensor, GgufWriteValue } from "../gguf-writer.ts";

type Entries = Readonly<Record<string, readonly [GgufValueType, GgufValue]>>;

export function metadataOf(entries: Entries): Map<string, GgufWriteValue> {
  return new Map(Object.entries(entries).map(([key, [type, value]]) => [key, { type, value }]));
}

/** A tensor of the given shape filled with one byte. */
export function tensorOf(name: string, type: number, dimensions: number[]): GgufWriteTensor {
  const bytes = new Map([
    [0, 4],
    [8, 34 / 32],
  ]).get(type);
  const elements = dimensions.reduce((product, extent) => product * extent, 1);
  return { name, type, dimensions, data: new Uint8Array(elements * (bytes ?? 1)).fill(7) };
}

export const sample: GgufContent = {
  metadata: metadataOf({
    "general.architecture": ["string", "llama"],
    "a.uint8": ["uint8", 255],
    "a.int8": ["int8", -128],
    "a.uint16": ["uint16", 65_535],
    "a.int16": ["int16", -32_768],
    "a.uint32": ["uint32", 4_294_967_295],
    "a.int32": ["int32", -2_147_483_648],
    "a.uint64": ["uint64", 18_446_744_073_709_551_615n],
    "a.int64": ["int64", -1],
    "a.float32": ["float32", 0.5],
    "a.float64": ["float64", Math.PI],
    "a.bool": ["bool", true],
    "a.strings": ["array<string>", ["", "Ġa", "😀", "x".repeat(200)]],
    "a.bools": ["array<bool>", [true, false]],
    "a.floats": ["array<float32>", new Float32Array([1, -2.5])],
  }),
  tensors: [tensorOf("a.weight", 0, [3, 5]), tensorOf("b.weight", 8, [64, 2])],
};

const bytes = Array.from(
  { length: 256 },
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
);

/** A vocabulary of SentencePiece's kind that passes the check. */
export function spmVocabulary(): Map<string, GgufWriteValue> {
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "▁", "a", "▁a"];
  const types = tokens.map((_, index) => (index < 3 ? 3 : index < 259 ? 6 : 1));
  return metadataOf({
    "general.architecture": ["string", "llama"],
    "tokenizer.ggml.model": ["string", "llama"],
    "tokenizer.ggml.tokens": ["array<string>", tokens],
    "tokenizer.ggml.scores": ["array<float32>", new Float32Array(tokens.length)],
    "tokenizer.ggml.token_type": ["array<int32>", new Int32Array(types)],
    "tokenizer.ggml.bos_token_id": ["uint32", 1],
    "tokenizer.ggml.eos_token_id": ["uint32", 2],
  });
}

/** A byte-pair vocabulary that passes the check. */
export function bpeVocabulary(): Map<string, GgufWriteValue> {
  const tokens = ["<|endoftext|>", "a", "b", "Ġ", "ab", "Ġa"];
  return metadataOf({
    "general.architecture": ["string", "qwen2"],
    "tokenizer.ggml.model": ["string", "gpt2"],
    "tokenizer.ggml.pre": ["string", "qwen2"],
    "tokenizer.ggml.tokens": ["array<string>", tokens],
    "tokenizer.ggml.token_type": ["array<int32>", new Int32Array([3, 1, 1, 1, 1, 1])],
    "tokenizer.ggml.merges": ["array<string>", ["a b", "Ġ a"]],
    "tokenizer.ggml.bos_token_id": ["uint32", 0],
    "tokenizer.ggml.eos_token_id": ["uint32", 0],
  });
}
