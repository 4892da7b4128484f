// Rows in the process's memory, in one piece: block after block, each with all its layers.

import { type Graph, NativeMemory, type Pointer, hostBlockAt } from "@loci/ggml";
import type { BlockCopy } from "@loci/engine";
import type { KvMemoryOptions } from "./attention.ts";
import { type KvRows, type RowSizes, rowSizes } from "./kv-rows.ts";

export class HostKvRows implements KvRows {
  readonly gatherTokens = 1;
  readonly contextStep = 1;
  readonly allocateHost = null;
  readonly blockStride: number;
  readonly blockAt: (block: number) => Pointer;
  readonly #options: KvMemoryOptions;
  readonly #sizes: RowSizes;
  readonly #memory: NativeMemory;
  readonly #tensor: Pointer;

  constructor(options: KvMemoryOptions) {
    const { headSize, blockCount, layers } = options;
    this.#options = options;
    this.#sizes = rowSizes(options);
    const { blockBytes, rowsPerLayer, type } = this.#sizes;
    this.blockStride = layers * rowsPerLayer;
    this.#memory = new NativeMemory(blockBytes * blockCount);
    this.#tensor = this.#memory.tensor(type, headSize, this.blockStride * blockCount);
    this.blockAt = hostBlockAt(this.#memory.address, { blockBytes, blockCount });
  }

  /** The pool seen from a layer on. */
  ofLayer(graph: Graph, layer: number): Pointer {
    const { headSize, blockCount } = this.#options;
    const { rowsPerLayer, rowBytes } = this.#sizes;
    const first = layer * rowsPerLayer;
    const count = this.blockStride * blockCount - first;
    return graph.view2d(this.#tensor, [headSize, count], rowBytes, first * rowBytes);
  }

  storable(_graph: Graph, values: Pointer): Pointer {
    return values;
  }

  copyBlocks(copies: readonly BlockCopy[]): void {
    const { layers, kvHeads, blockTokens } = this.#options;
    const { rowBytes, blockBytes } = this.#sizes;
    const pool = new Uint8Array(this.#memory.bytes);
    for (const { source, target, tokens } of copies) {
      for (let group = 0; group < layers * 2 * kvHeads; group++) {
        const offset = group * blockTokens * rowBytes;
        const from = source * blockBytes + offset;
        pool.copyWithin(target * blockBytes + offset, from, from + tokens * rowBytes);
      }
    }
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}
