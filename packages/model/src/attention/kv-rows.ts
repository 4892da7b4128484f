// Where the portable way to attend keeps its keys and values: rows [head size] in the memory of the
// device that computes, a row for one token of one head. Seen from any layer, the rows of a block are
//
//   row = block · blockStride + (keyOrValue · kv heads + head) · block tokens + token
//
// and the block's bytes, wherever they are carried, are [layer][row].

import { LociError, defined } from "@loci/core";
import { type Graph, type KvPool, type Pointer, ggmlTypesByName } from "@loci/ggml";
import type { BlockCopy } from "@loci/engine";
import type { KvMemoryOptions } from "./attention.ts";

export interface KvRows extends Pick<KvPool, "blockAt" | "allocateHost">, Disposable {
  /** Rows from a block to the next. */
  readonly blockStride: number;
  /** Rows that are gathered together: all of a block's tokens of a head, or one by one. */
  readonly gatherTokens: number;
  /** Sequences are gathered with as many positions as the next multiple of this. */
  readonly contextStep: number;
  /** A layer's rows. */
  ofLayer(graph: Graph, layer: number): Pointer;
  /** Values as they can be stored: within the range of the rows' type where that matters. */
  storable(graph: Graph, values: Pointer): Pointer;
  /** Copies the first tokens of blocks; what comes after them in the target is anything. */
  copyBlocks(copies: readonly BlockCopy[]): void;
}

export type KvShape = Pick<
  KvMemoryOptions,
  "layers" | "kvHeads" | "headSize" | "blockTokens" | "cacheType"
>;

/** Sizes that follow from a model's shape. */
export interface RowSizes {
  readonly type: number;
  readonly rowBytes: number;
  /** Of one layer within one block. */
  readonly rowsPerLayer: number;
  readonly layerBytes: number;
  readonly blockBytes: number;
}

/** LociError config_invalid when heads cannot be kept in the cache's type. */
export function rowSizes({ layers, kvHeads, headSize, blockTokens, cacheType }: KvShape): RowSizes {
  const type = defined(ggmlTypesByName.get(cacheType), "a known cache type");
  if (headSize % type.blockElements !== 0) {
    throw new LociError("config_invalid", `Heads of ${headSize} cannot be kept as ${cacheType}.`, {
      remedy: "Use --cache-type-k f16.",
    });
  }
  const rowBytes = (headSize / type.blockElements) * type.blockBytes;
  const rowsPerLayer = 2 * kvHeads * blockTokens;
  const layerBytes = rowsPerLayer * rowBytes;
  return { type: type.id, rowBytes, rowsPerLayer, layerBytes, blockBytes: layers * layerBytes };
}
