// What is attended to: the heads of a model, and the one sequence (or the many) of a case.

import { Random, defined } from "@loci/core";

export interface HeadShape {
  readonly name: string;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headSize: number;
}

export const headShapes: readonly HeadShape[] = [
  { name: "Qwen2.5-0.5B", queryHeads: 14, kvHeads: 2, headSize: 64 },
  { name: "8B", queryHeads: 32, kvHeads: 8, headSize: 128 },
];

export const blockTokens = 32;

/** Sequences of one length, each with the same number of query tokens at its end. */
export interface BatchCase {
  readonly sequences: number;
  /** Cached and new tokens of each. */
  readonly contextTokens: number;
  readonly queryTokens: number;
}

/** Floating-point operations of a case: two products over all that each query sees. */
export function flopOf(shape: HeadShape, batch: BatchCase): number {
  const { sequences, contextTokens, queryTokens } = batch;
  const seen = queryTokens * (contextTokens - (queryTokens - 1) / 2) * sequences;
  return seen * shape.queryHeads * shape.headSize * 4;
}

/** Bytes of f16 keys and values that a case reads at least once. */
export function bytesOf(shape: HeadShape, batch: BatchCase): number {
  return batch.sequences * batch.contextTokens * shape.kvHeads * shape.headSize * 2 * 2;
}

/** Blocks 0, 1, 2, .. in a random order. */
export function shuffledBlocks(count: number, seed: number): Int32Array {
  const random = new Random(seed);
  const blocks = Int32Array.from({ length: count }, (_, index) => index);
  for (let i = count - 1; i > 0; i--) {
    const j = random.integer(0, i);
    const held = defined(blocks[i]);
    blocks[i] = defined(blocks[j]);
    blocks[j] = held;
  }
  return blocks;
}

/** Uniform in [-1, 1). */
export function fillRandom(target: Float32Array, seed: number): void {
  const random = new Random(seed);
  for (let i = 0; i < target.length; i++) target[i] = random.next() * 2 - 1;
}
