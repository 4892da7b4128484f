// How keys and values are kept and attended to: one interface, two ways. The native way calls our
// paged kernel; the portable way gathers blocks with ggml's own operators and attends then.

import type { Graph, KvPool, Pointer } from "@loci/ggml";
import type { BlockCopy, QuerySlice } from "@loci/engine";

/** A layer's attention; all layers of a model share heads and head size. */
export interface AttentionLayer {
  readonly index: number;
  readonly scale: number;
  /** Scores are cap·tanh(score/cap); 0 = not. */
  readonly softCap: number;
  /** Positions seen, the own included; 0 = all. */
  readonly slidingWindow: number;
}

/** A batch's shape, as far as a graph depends on it. */
export interface BatchShape {
  readonly tokens: number;
  /** Rows of logits; at least one. */
  readonly outputs: number;
  /** The output rows' hidden states are wanted, too. */
  readonly hidden: boolean;
}

/** Attention within one graph. */
export interface GraphAttention {
  /**
   * Writes keys and values of the batch, then attends. `query` [head size, query heads, tokens],
   * `key` and `value` [head size, kv heads, tokens], rotated; the result is
   * [head size · query heads, tokens].
   */
  attend(layer: AttentionLayer, query: Pointer, key: Pointer, value: Pointer): Pointer;
  /**
   * Writes the step's positions and block tables into the graph's inputs, and the gates that each
   * layer waits for where `waitsInKernel`.
   */
  fill(slices: readonly QuerySlice[], gates: readonly number[]): void;
}

/** The block pool of one model in one memory, with its way to attend. */
export interface KvMemory extends Disposable {
  /** "native (avx2)" or "portable". */
  readonly name: string;
  readonly blockBytes: number;
  readonly blockCount: number;
  /** The blocks as plain memory, and the gates of restores into them. */
  readonly pool: KvPool;
  /** True: each layer waits for its gates by itself; false: all must be open before a step. */
  readonly waitsInKernel: boolean;
  /** What of a batch besides its shape decides a graph; equal keys may share one graph. */
  graphKey(slices: readonly QuerySlice[]): string;
  inGraph(graph: Graph, shape: BatchShape, slices: readonly QuerySlice[]): GraphAttention;
  copyBlocks(copies: readonly BlockCopy[]): void;
  /** Throws when the step just computed went wrong in a way ggml does not report. */
  checkStep(): void;
}

export interface KvMemoryOptions {
  readonly layers: number;
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly headSize: number;
  readonly blockTokens: number;
  readonly blockCount: number;
  readonly cacheType: KvCacheType;
  readonly threads: number;
  readonly stepTokensMax: number;
  readonly stepSlicesMax: number;
  readonly contextTokensMax: number;
}

export type KvCacheType = "f32" | "f16" | "q8_0";
