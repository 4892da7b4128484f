// The same attention by ggml's own operators: copy each layer's keys and values out of scattered
// rows into contiguous ones, then attend. What our portable path does, and what the Pensieve paper
// compares its kernel with.

import { Graph, NativeMemory, type Pointer, tensorBytes, tensorType } from "@loci/ggml";
import { defined } from "@loci/core";
import { type BatchCase, type HeadShape, blockTokens, fillRandom } from "./attention-shape.ts";
import type { AttentionGraph } from "./kernel-rig.ts";

const halfBytes = 2;
const halfMinusInfinity = 0xfc00;

export interface GgmlRigOptions {
  readonly shape: HeadShape;
  readonly batch: BatchCase;
  readonly layers: number;
  readonly blockTable: Int32Array;
  /** Of the keys; values have the next. As `KernelRig.write`. */
  readonly seed: number;
  readonly compute: (graph: Graph) => void;
}

/** One sequence. A pool row is one token of one head: ((block · 2 + key or value) · heads + head). */
export class GgmlRig implements Disposable {
  readonly #options: GgmlRigOptions;
  readonly #pools: readonly NativeMemory[];
  readonly #tensors: readonly Pointer[];

  constructor(options: GgmlRigOptions) {
    this.#options = options;
    const { shape, blockTable, layers } = options;
    const blocks = Math.max(...blockTable) + 1;
    const rows = blocks * 2 * shape.kvHeads * blockTokens;
    const bytes = rows * shape.headSize * halfBytes;
    this.#pools = Array.from({ length: layers }, () => new NativeMemory(bytes));
    this.#tensors = this.#pools.map((pool) => pool.tensor(tensorType.f16, shape.headSize, rows));
    this.#write();
  }

  /** Rows of keys (or values), head by head. */
  #rows(values: boolean): Int32Array {
    const { shape, batch, blockTable } = this.#options;
    const { contextTokens } = batch;
    return Int32Array.from({ length: contextTokens * shape.kvHeads }, (_, index) => {
      const head = Math.floor(index / contextTokens);
      const position = index % contextTokens;
      const block = defined(blockTable[Math.floor(position / blockTokens)]);
      const part = block * 2 + (values ? 1 : 0);
      return (part * shape.kvHeads + head) * blockTokens + (position % blockTokens);
    });
  }

  #write(): void {
    const { shape, batch, seed, compute } = this.#options;
    const { headSize, kvHeads } = shape;
    const { contextTokens } = batch;
    for (const values of [false, true]) {
      using graph = new Graph(4 * this.#tensors.length + 8);
      const source = graph.input(tensorType.f32, headSize, contextTokens * kvHeads);
      const rows = graph.input(tensorType.i64, contextTokens * kvHeads);
      for (const tensor of this.#tensors) graph.output(graph.setRows(tensor, source, rows));
      graph.allocate();
      new BigInt64Array(tensorBytes(rows)).set(BigInt64Array.from(this.#rows(values), BigInt));
      // The source is head by head here; the kernel's is token by token.
      const tokenFirst = new Float32Array(headSize * kvHeads * contextTokens);
      fillRandom(tokenFirst, values ? seed + 1 : seed);
      const target = new Float32Array(tensorBytes(source));
      for (let head = 0; head < kvHeads; head++) {
        for (let token = 0; token < contextTokens; token++) {
          const from = (token * kvHeads + head) * headSize;
          const row = tokenFirst.subarray(from, from + headSize);
          target.set(row, (head * contextTokens + token) * headSize);
        }
      }
      compute(graph);
    }
  }

  /** Copy out, then attend, in every layer. */
  attention(): AttentionGraph & Disposable {
    const { shape, batch } = this.#options;
    const { headSize, queryHeads, kvHeads } = shape;
    const { contextTokens, queryTokens } = batch;
    const graph = new Graph(16 * this.#tensors.length + 16);
    const queries = graph.input(tensorType.f32, headSize, queryHeads, queryTokens);
    const keyRows = graph.input(tensorType.i32, contextTokens * kvHeads);
    const valueRows = graph.input(tensorType.i32, contextTokens * kvHeads);
    const mask = graph.input(tensorType.f16, contextTokens, queryTokens);
    const results = this.#tensors.map((pool) => {
      const gather = (rows: Pointer): Pointer =>
        graph.reshape3d(graph.getRows(pool, rows), [headSize, contextTokens, kvHeads]);
      const turned = graph.permute(queries, [0, 2, 1, 3]);
      const inputs = [turned, gather(keyRows), gather(valueRows), mask] as const;
      return graph.output(graph.flashAttention(inputs, 1 / Math.sqrt(headSize), 0));
    });
    graph.allocate();
    new Int32Array(tensorBytes(keyRows)).set(this.#rows(false));
    new Int32Array(tensorBytes(valueRows)).set(this.#rows(true));
    fillRandom(new Float32Array(tensorBytes(queries)), 5);
    // What an allocated graph holds at first is whatever lay there.
    const cells = new Uint16Array(tensorBytes(mask)).fill(0);
    for (let query = 0; query < queryTokens; query++) {
      const seen = contextTokens - queryTokens + query + 1;
      cells.fill(halfMinusInfinity, query * contextTokens + seen, (query + 1) * contextTokens);
    }
    return {
      graph,
      results: [new Float32Array(tensorBytes(defined(results[0])))],
      [Symbol.dispose]: () => graph[Symbol.dispose](),
    };
  }

  [Symbol.dispose](): void {
    for (const pool of this.#pools) pool[Symbol.dispose]();
  }
}
