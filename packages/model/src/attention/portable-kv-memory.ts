// The portable way to attend, for machines without our kernel: ggml's own operators gather each
// sequence's blocks into contiguous keys and values, then attend. Slower, and the baseline "copy
// out, then attend" of the Pensieve paper (section 1.6 of its digest).
//
// The pool is one tensor of rows [head size]; a row is one token of one head:
//   row = (((block · layers + layer) · 2 + keyOrValue) · kv heads + head) · block tokens + token
// so a block is one contiguous range, and a layer's rows are the first layer's plus a constant.

import { LociError, assert, defined } from "@loci/core";
import type { BlockCopy, QuerySlice } from "@loci/engine";
import {
  type GgmlType,
  type Graph,
  type KvPool,
  type Pointer,
  NativeMemory,
  RestoreGates,
  ggmlTypesByName,
  loadGgml,
  tensorBytes,
  tensorType,
} from "@loci/ggml";
import type {
  AttentionLayer,
  BatchShape,
  GraphAttention,
  KvCacheType,
  KvMemory,
  KvMemoryOptions,
} from "./attention.ts";

export class PortableKvMemory implements KvMemory {
  readonly name = "portable";
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly waitsInKernel = false;
  readonly #options: KvMemoryOptions;
  readonly #rowBytes: number;
  readonly #memory: NativeMemory;
  readonly #pool: Pointer;
  readonly #gates = new RestoreGates();

  constructor(options: KvMemoryOptions) {
    const { headSize, blockCount, cacheType } = options;
    const type = cacheTypeFacts(cacheType);
    if (headSize % type.blockElements !== 0) {
      throw new LociError(
        "config_invalid",
        `Heads of ${headSize} cannot be kept as ${cacheType}.`,
        {
          remedy: "Use --cache-type-k f16.",
        },
      );
    }
    this.#options = options;
    this.#rowBytes = (headSize / type.blockElements) * type.blockBytes;
    this.blockBytes = portableBlockBytes(options);
    this.blockCount = blockCount;
    this.#memory = new NativeMemory(this.blockBytes * blockCount);
    this.#pool = this.#memory.tensor(type.id, headSize, this.#rowsPerBlock * blockCount);
  }

  get pool(): KvPool {
    const { layers, blockTokens } = this.#options;
    const { blockCount, blockBytes } = this;
    const { address } = this.#memory;
    return { address, blockCount, blockBytes, layers, blockTokens, gates: this.#gates };
  }

  get #rowsPerLayer(): number {
    return 2 * this.#options.kvHeads * this.#options.blockTokens;
  }

  get #rowsPerBlock(): number {
    return this.#options.layers * this.#rowsPerLayer;
  }

  /** Gathered lengths are part of the graph, so only equal batches share one. */
  graphKey(slices: readonly QuerySlice[]): string {
    return slices.map((slice) => `${slice.tokens.length}@${slice.positionStart}`).join(",");
  }

  inGraph(graph: Graph, shape: BatchShape, slices: readonly QuerySlice[]): GraphAttention {
    const { kvHeads } = this.#options;
    const writeRows = (): Pointer => graph.input(tensorType.i64, kvHeads * shape.tokens);
    const inputs = {
      keyRows: writeRows(),
      valueRows: writeRows(),
      sequences: slices.map((slice) => this.#sequenceInputs(graph, slice)),
    };
    return {
      attend: (layer, query, key, value) =>
        this.#attend(graph, inputs, { layer, query, key, value, tokens: shape.tokens }),
      fill: (batch) => this.#fill(inputs, batch),
    };
  }

  copyBlocks(copies: readonly BlockCopy[]): void {
    const { layers, kvHeads, blockTokens } = this.#options;
    const pool = new Uint8Array(this.#memory.bytes);
    for (const { source, target, tokens } of copies) {
      for (let group = 0; group < layers * 2 * kvHeads; group++) {
        const offset = group * blockTokens * this.#rowBytes;
        const from = source * this.blockBytes + offset;
        pool.copyWithin(target * this.blockBytes + offset, from, from + tokens * this.#rowBytes);
      }
    }
  }

  checkStep(): void {
    // ggml's operators report through the computation itself.
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
    this.#gates[Symbol.dispose]();
  }

  #sequenceInputs(graph: Graph, slice: QuerySlice): SequenceInputs {
    const { kvHeads } = this.#options;
    const queries = slice.tokens.length;
    const context = slice.positionStart + queries;
    return {
      queries,
      context,
      keyRows: graph.input(tensorType.i32, context * kvHeads),
      valueRows: graph.input(tensorType.i32, context * kvHeads),
      mask: graph.input(tensorType.f16, context, queries),
      slidingMasks: new Map(),
    };
  }

  #attend(graph: Graph, inputs: PortableInputs, batch: LayerBatch): Pointer {
    const { headSize, queryHeads, kvHeads } = this.#options;
    const { layer, tokens } = batch;
    const rows = this.#layerRows(graph, layer.index);
    const flat = (heads: Pointer): Pointer =>
      graph.reshape2d(graph.cont(heads), headSize, kvHeads * tokens);
    graph.expand(graph.setRows(rows, flat(batch.key), inputs.keyRows));
    graph.expand(graph.setRows(rows, flat(batch.value), inputs.valueRows));
    const query = graph.cont(batch.query);
    let row = 0;
    let joined: Pointer | null = null;
    for (const sequence of inputs.sequences) {
      const part = this.#attendSequence(graph, rows, { sequence, layer, query, row });
      joined = joined === null ? part : graph.concatColumns(joined, part);
      row += sequence.queries;
    }
    return graph.reshape2d(defined(joined, "a batch has slices"), headSize * queryHeads, tokens);
  }

  #attendSequence(
    graph: Graph,
    rows: Pointer,
    work: { sequence: SequenceInputs; layer: AttentionLayer; query: Pointer; row: number },
  ): Pointer {
    const { headSize, queryHeads, kvHeads } = this.#options;
    const { sequence, layer } = work;
    const gather = (ids: Pointer): Pointer =>
      graph.reshape3d(graph.getRows(rows, ids), [headSize, sequence.context, kvHeads]);
    const headBytes = headSize * 4;
    const queries = graph.view3d(
      work.query,
      [headSize, queryHeads, sequence.queries],
      [headBytes, headBytes * queryHeads],
      work.row * headBytes * queryHeads,
    );
    const attended = graph.flashAttention(
      [
        graph.permute(queries, [0, 2, 1, 3]),
        gather(sequence.keyRows),
        gather(sequence.valueRows),
        maskFor(graph, sequence, layer.slidingWindow),
      ],
      layer.scale,
      layer.softCap,
    );
    return graph.reshape2d(attended, headSize * queryHeads, sequence.queries);
  }

  /** The pool seen from a layer on: the same row ids then serve every layer. */
  #layerRows(graph: Graph, layer: number): Pointer {
    const first = layer * this.#rowsPerLayer;
    const count = this.#rowsPerBlock * this.blockCount - first;
    return graph.view2d(
      this.#pool,
      [this.#options.headSize, count],
      this.#rowBytes,
      first * this.#rowBytes,
    );
  }

  #row(blockTable: Int32Array, position: number, head: number): number {
    const { blockTokens } = this.#options;
    const block = defined(blockTable[Math.floor(position / blockTokens)], "the table covers it");
    assert(block >= 0 && block < this.blockCount, "a block of this pool");
    return block * this.#rowsPerBlock + head * blockTokens + (position % blockTokens);
  }

  #fill(inputs: PortableInputs, slices: readonly QuerySlice[]): void {
    const { kvHeads, blockTokens } = this.#options;
    const valueOffset = kvHeads * blockTokens;
    const keyRows = new BigInt64Array(tensorBytes(inputs.keyRows));
    const valueRows = new BigInt64Array(tensorBytes(inputs.valueRows));
    let index = 0;
    for (const [order, slice] of slices.entries()) {
      for (let token = 0; token < slice.tokens.length; token++) {
        for (let head = 0; head < kvHeads; head++) {
          const row = this.#row(slice.blockTable, slice.positionStart + token, head);
          keyRows[index] = BigInt(row);
          valueRows[index] = BigInt(row + valueOffset);
          index++;
        }
      }
      this.#fillSequence(defined(inputs.sequences[order]), slice, valueOffset);
    }
  }

  #fillSequence(inputs: SequenceInputs, slice: QuerySlice, valueOffset: number): void {
    const keyRows = new Int32Array(tensorBytes(inputs.keyRows));
    const valueRows = new Int32Array(tensorBytes(inputs.valueRows));
    for (let head = 0; head < this.#options.kvHeads; head++) {
      for (let position = 0; position < inputs.context; position++) {
        const row = this.#row(slice.blockTable, position, head);
        keyRows[head * inputs.context + position] = row;
        valueRows[head * inputs.context + position] = row + valueOffset;
      }
    }
    fillMask(inputs.mask, inputs, slice.positionStart, 0);
    for (const [window, mask] of inputs.slidingMasks) {
      fillMask(mask, inputs, slice.positionStart, window);
    }
  }
}

/** Bytes of one block over all layers. */
export function portableBlockBytes(
  shape: Pick<KvMemoryOptions, "layers" | "kvHeads" | "headSize" | "blockTokens" | "cacheType">,
): number {
  const type = cacheTypeFacts(shape.cacheType);
  const rowBytes = (shape.headSize / type.blockElements) * type.blockBytes;
  return rowBytes * shape.layers * shape.kvHeads * shape.blockTokens * 2;
}

function cacheTypeFacts(cacheType: KvCacheType): GgmlType {
  return defined(ggmlTypesByName.get(cacheType), "a known cache type");
}

interface SequenceInputs {
  readonly queries: number;
  /** Keys seen by the last query. */
  readonly context: number;
  readonly keyRows: Pointer;
  readonly valueRows: Pointer;
  readonly mask: Pointer;
  /** Masks of layers that see only a window, by its length. */
  readonly slidingMasks: Map<number, Pointer>;
}

interface PortableInputs {
  readonly keyRows: Pointer;
  readonly valueRows: Pointer;
  readonly sequences: readonly SequenceInputs[];
}

interface LayerBatch {
  readonly layer: AttentionLayer;
  readonly query: Pointer;
  readonly key: Pointer;
  readonly value: Pointer;
  readonly tokens: number;
}

function maskFor(graph: Graph, sequence: SequenceInputs, window: number): Pointer {
  if (window === 0) return sequence.mask;
  const known = sequence.slidingMasks.get(window);
  if (known !== undefined) return known;
  const mask = graph.input(tensorType.f16, sequence.context, sequence.queries);
  sequence.slidingMasks.set(window, mask);
  return mask;
}

const halfZero = 0;
const halfMinusInfinity = 0xfc00;

/** A query sees the positions up to its own, and in a window layer only the last of them. */
function fillMask(
  mask: Pointer,
  { queries, context }: SequenceInputs,
  positionStart: number,
  window: number,
): void {
  // A mask that no layer of this graph uses has no memory.
  if (loadGgml().base.getData(mask) === null) return;
  const cells = new Uint16Array(tensorBytes(mask));
  for (let query = 0; query < queries; query++) {
    const position = positionStart + query;
    const first = window === 0 ? 0 : Math.max(0, position - window + 1);
    const row = query * context;
    cells.fill(halfMinusInfinity, row, row + context);
    cells.fill(halfZero, row + first, row + position + 1);
  }
}
