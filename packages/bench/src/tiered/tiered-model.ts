// The model that memory tiers are measured on: small enough for thousands of requests, with random
// weights. It has 24 million weights and 4 KiB of keys and values per token, so per weight five times
// the bytes of Qwen2.5-0.5B: moving blocks is dearer against computing them than with real models.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { LociError } from "@loci/core";
import { readGguf } from "@loci/ggml";
import { tinyShapes, writeRandomModel, type ModelShape } from "@loci/model";

const shape: ModelShape = {
  ...tinyShapes.llama,
  layers: 8,
  width: 512,
  feedForward: 1408,
  heads: 8,
  headsKv: 2,
  headWidth: 64,
  vocabularySize: 4096,
  contextTokens: 16_384,
};

const generatedPath = join("results", "models", "tiered-q8_0.gguf");

/** `path` if given, else the small model, generated when it is not there yet. */
export function findTieredModel(
  path: string | undefined,
  progress: (text: string) => void,
): string {
  if (path !== undefined) {
    if (existsSync(path)) return path;
    throw new LociError("file_unreadable", `There is no model file ${path}.`);
  }
  if (!existsSync(generatedPath)) {
    progress(`writing ${generatedPath}`);
    writeTieredModel(generatedPath);
  }
  return generatedPath;
}

/** Writes the small model; complete or not at all. */
export function writeTieredModel(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  writeRandomModel(partial, { architecture: "llama", shape, weightType: "q8_0", seed: 1 });
  renameSync(partial, path);
}

/** Bytes of f16 keys and values that one token takes. */
export function kvBytesPerToken(path: string): number {
  const { metadata } = readGguf(path);
  const architecture = String(metadata.get("general.architecture"));
  const number = (name: string): number => Number(metadata.get(`${architecture}.${name}`));
  const heads = number("attention.head_count");
  const keyLength = metadata.get(`${architecture}.attention.key_length`);
  const headWidth =
    keyLength === undefined ? number("embedding_length") / heads : Number(keyLength);
  const bytes = number("block_count") * number("attention.head_count_kv") * headWidth * 4;
  if (Number.isFinite(bytes)) return bytes;
  throw new LociError("model_file_invalid", "The file does not say how large its cache is.");
}
