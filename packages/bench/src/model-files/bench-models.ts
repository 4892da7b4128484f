// The model files that benchmarks run on: generated once, with random weights and the dimensions of
// a real model, kept under `results/models/` (not tracked).

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { assert, LociError } from "@loci/core";
import { readGguf } from "@loci/ggml";
import { namedShapes, writeRandomModel } from "@loci/model";

const folder = join("results", "models");
const defaultShape = "qwen2.5-0.5b";

/** `path` if given, else the default shape in `weightType`, generated when it is not there yet. */
export function findModel(
  path: string | undefined,
  weightType: string,
  progress: (text: string) => void,
): string {
  if (path !== undefined) {
    if (existsSync(path)) return path;
    throw new LociError("file_unreadable", `There is no model file ${path}.`);
  }
  const generated = join(folder, `${defaultShape}-${weightType}.gguf`);
  if (!existsSync(generated)) {
    progress(`writing ${generated}`);
    makeModel(defaultShape, weightType, generated);
  }
  return generated;
}

/** Writes a model of a named shape; complete or not at all. */
export function makeModel(shapeName: string, weightType: string, path: string, seed = 1): number {
  const named = namedShapes[shapeName];
  if (named === undefined) {
    const known = Object.keys(namedShapes).join(", ");
    throw new LociError("config_invalid", `There is no shape ${shapeName}.`, {
      remedy: `Known shapes: ${known}.`,
    });
  }
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.partial`;
  const facts = writeRandomModel(partial, { ...named, weightType, seed });
  renameSync(partial, path);
  return facts.parameters;
}

/** Ids of ordinary tokens: after the bytes, before the special ones at either end. */
export function tokenIdRange(path: string): { readonly low: number; readonly high: number } {
  const file = readGguf(path);
  const tokens = file.metadata.get("tokenizer.ggml.tokens");
  const size = Array.isArray(tokens) ? tokens.length : 0;
  if (size === 0) throw new LociError("model_file_invalid", "The file has no vocabulary.");
  const range = { low: Math.min(512, Math.floor(size / 4)), high: Math.floor(0.9 * size) };
  assert(range.low < range.high, "a vocabulary has ordinary tokens");
  return range;
}
