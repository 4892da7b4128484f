// The portable way to attend, for machines without our kernel: ggml's own operators gather each
// sequence's blocks into contiguous keys and values, then attend. Slower, and the baseline "copy
// out, then attend" of the Pensieve paper (section 1.6 of its digest).

import { assert, defined } from "@loci/core";
import { type Graph, type KvPool, type Pointer, RestoreGates, tensorType } from "@loci/ggml";
import type { BlockCopy, QuerySlice } from "@loci/engine";
import type {
  AttentionLayer,
  BatchShape,
  GraphAttention,
  KvMemory,
  KvMemoryOptions,
} from "./attention.ts";
import { type KvRows, rowSizes } from "./kv-rows.ts";

export class PortableKvMemory implements KvMemory {
  readonly name = "portable";
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly pool: KvPool;
  readonly waitsInKernel = false;
  readonly #options: KvMemoryOptions;
  readonly #rows: KvRows;
  readonly #gates = new RestoreGates();

  /** Owns `rows`. */
  constructor(options: KvMemoryOptions, rows: KvRows) {
    const { layers, blockTokens, blockCount } = options;
    const { blockBytes } = rowSizes(options);
    this.#options = options;
    this.#rows = rows;
    this.blockBytes = blockBytes;
    this.blockCount = blockCount;
    this.pool = {
      blockCount,
      blockBytes,
      layers,
      blockTokens,
      gates: this.#gates,
      blockAt: (block) => rows.blockAt(block),
      allocateHost: rows.allocateHost,
    };
  }

  /** Gathered lengths are part of the graph, so only batches that gather the same share one. */
  graphKey(slices: readonly QuerySlice[]): string {
    return slices.map((slice) => `${slice.tokens.length}@${this.#context(slice)}`).join(",");
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
      fill: (batch) => this.#fill(graph, inputs, batch),
    };
  }

  copyBlocks(copies: readonly BlockCopy[]): void {
    this.#rows.copyBlocks(copies);
  }

  checkStep(): void {
    // ggml's operators report through the computation itself.
  }

  [Symbol.dispose](): void {
    this.#rows[Symbol.dispose]();
    this.#gates[Symbol.dispose]();
  }

  /** Positions that are gathered for a slice: those up to its end, and some that are masked. */
  #context(slice: QuerySlice): number {
    const { contextStep } = this.#rows;
    return Math.ceil((slice.positionStart + slice.tokens.length) / contextStep) * contextStep;
  }

  #sequenceInputs(graph: Graph, slice: QuerySlice): SequenceInputs {
    const { kvHeads } = this.#options;
    const queries = slice.tokens.length;
    const context = this.#context(slice);
    const gathered = (context / this.#rows.gatherTokens) * kvHeads;
    return {
      queries,
      context,
      keyRows: graph.input(tensorType.i32, gathered),
      valueRows: graph.input(tensorType.i32, gathered),
      mask: graph.input(tensorType.f16, context, queries),
      slidingMasks: new Map(),
    };
  }

  #attend(graph: Graph, inputs: PortableInputs, batch: LayerBatch): Pointer {
    const { headSize, queryHeads } = this.#options;
    const { tokens } = batch;
    const written = this.#write(graph, inputs, batch);
    const query = graph.cont(batch.query);
    let row = 0;
    let joined: Pointer | null = null;
    for (const sequence of inputs.sequences) {
      const work = { sequence, layer: batch.layer, query, row };
      const part = this.#attendSequence(graph, written, work);
      joined = joined === null ? part : graph.concatColumns(joined, part);
      row += sequence.queries;
    }
    return graph.reshape2d(defined(joined, "a batch has slices"), headSize * queryHeads, tokens);
  }

  /** The layer's rows, once the batch's keys and values are among them. */
  #write(graph: Graph, inputs: PortableInputs, batch: LayerBatch): Pointer {
    const { headSize, kvHeads } = this.#options;
    const flat = (heads: Pointer): Pointer =>
      this.#rows.storable(
        graph,
        graph.reshape2d(graph.cont(heads), headSize, kvHeads * batch.tokens),
      );
    const rows = this.#rows.ofLayer(graph, batch.layer.index);
    const withKeys = graph.setRows(rows, flat(batch.key), inputs.keyRows);
    return graph.setRows(withKeys, flat(batch.value), inputs.valueRows);
  }

  #attendSequence(
    graph: Graph,
    rows: Pointer,
    work: { sequence: SequenceInputs; layer: AttentionLayer; query: Pointer; row: number },
  ): Pointer {
    const { headSize, queryHeads } = this.#options;
    const { sequence, layer } = work;
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
        this.#gather(graph, rows, { sequence, ids: sequence.keyRows }),
        this.#gather(graph, rows, { sequence, ids: sequence.valueRows }),
        maskFor(graph, sequence, layer.slidingWindow),
      ],
      layer.scale,
      layer.softCap,
    );
    return graph.reshape2d(attended, headSize * queryHeads, sequence.queries);
  }

  /** A sequence's keys or values [head size, context, kv heads]. */
  #gather(
    graph: Graph,
    rows: Pointer,
    { sequence, ids }: { sequence: SequenceInputs; ids: Pointer },
  ): Pointer {
    const { headSize, kvHeads, blockCount } = this.#options;
    const { gatherTokens, blockStride } = this.#rows;
    const units = (blockStride * blockCount) / gatherTokens;
    const joined =
      gatherTokens === 1 ? rows : graph.reshape2d(rows, headSize * gatherTokens, units);
    return graph.reshape3d(graph.getRows(joined, ids), [headSize, sequence.context, kvHeads]);
  }

  /** Of a key; its value's is `#valueOffset` further. */
  #row(blockTable: Int32Array, position: number, head: number): number {
    const { blockTokens } = this.#options;
    const block = defined(blockTable[Math.floor(position / blockTokens)], "the table covers it");
    assert(block >= 0 && block < this.blockCount, "a block of this pool");
    return block * this.#rows.blockStride + head * blockTokens + (position % blockTokens);
  }

  get #valueOffset(): number {
    return this.#options.kvHeads * this.#options.blockTokens;
  }

  #fill(graph: Graph, inputs: PortableInputs, slices: readonly QuerySlice[]): void {
    const { kvHeads } = this.#options;
    const keyRows = new BigInt64Array(inputBytes(graph, inputs.keyRows));
    const valueRows = new BigInt64Array(inputBytes(graph, inputs.valueRows));
    let index = 0;
    for (const [order, slice] of slices.entries()) {
      for (let token = 0; token < slice.tokens.length; token++) {
        for (let head = 0; head < kvHeads; head++) {
          const row = this.#row(slice.blockTable, slice.positionStart + token, head);
          keyRows[index] = BigInt(row);
          valueRows[index] = BigInt(row + this.#valueOffset);
          index++;
        }
      }
      this.#fillSequence(graph, defined(inputs.sequences[order]), slice);
    }
  }

  #fillSequence(graph: Graph, inputs: SequenceInputs, slice: QuerySlice): void {
    const { gatherTokens } = this.#rows;
    const keyRows = new Int32Array(inputBytes(graph, inputs.keyRows));
    const valueRows = new Int32Array(inputBytes(graph, inputs.valueRows));
    const end = slice.positionStart + slice.tokens.length;
    let index = 0;
    for (let head = 0; head < this.#options.kvHeads; head++) {
      for (let position = 0; position < inputs.context; position += gatherTokens) {
        // Behind the end anything finite will do: it is masked.
        const row = this.#row(slice.blockTable, position < end ? position : 0, head);
        keyRows[index] = row / gatherTokens;
        valueRows[index] = (row + this.#valueOffset) / gatherTokens;
        index++;
      }
    }
    fillMask(graph, inputs.mask, { ...inputs, positionStart: slice.positionStart, window: 0 });
    for (const [window, mask] of inputs.slidingMasks) {
      fillMask(graph, mask, { ...inputs, positionStart: slice.positionStart, window });
    }
  }
}

interface SequenceInputs {
  readonly queries: number;
  /** Keys gathered: those that the last query sees, and some that nobody does. */
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

function inputBytes(graph: Graph, input: Pointer): ArrayBuffer {
  return defined(graph.bytes(input), "the graph uses its input");
}

/** A query sees the positions up to its own, and in a window layer only the last of them. */
function fillMask(
  graph: Graph,
  mask: Pointer,
  shape: { queries: number; context: number; positionStart: number; window: number },
): void {
  const { queries, context, positionStart, window } = shape;
  const bytes = graph.bytes(mask);
  // No layer of this graph uses it.
  if (bytes === null) return;
  const cells = new Uint16Array(bytes);
  for (let query = 0; query < queries; query++) {
    const position = positionStart + query;
    const first = window === 0 ? 0 : Math.max(0, position - window + 1);
    const row = query * context;
    cells.fill(halfMinusInfinity, row, row + context);
    cells.fill(halfZero, row + first, row + position + 1);
  }
}
