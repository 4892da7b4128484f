// One forward pass for one batch shape, ready to run again with other inputs: building and
// planning a graph costs as much as a millisecond, so equal shapes share one.

import { defined } from "@loci/core";
import { type Backend, Graph, type Pointer, tensorType } from "@loci/ggml";
import type { QuerySlice } from "@loci/engine";
import type { LayerTap, LoadedArchitecture } from "./architectures/architecture.ts";
import type { BatchShape, GraphAttention, KvMemory } from "./attention/attention.ts";

/** Graph nodes: a layer takes about 30, each slice of the portable attention about 20 more. */
const nodesPerLayer = 64;
const nodesPerSliceLayer = 24;
const nodesBase = 128;

export interface ForwardGraphOptions {
  readonly architecture: LoadedArchitecture;
  readonly kv: KvMemory;
  readonly backend: Backend;
  readonly layers: number;
  readonly vocabularySize: number;
  /** The state that enters this layer is what `hidden` gives; null = none can be asked for. */
  readonly hiddenLayer: number | null;
}

export class ForwardGraph implements Disposable {
  readonly #graph: Graph;
  readonly #attention: GraphAttention;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #outputRows: Int32Array;
  readonly #logits: Float32Array;
  readonly #hidden: Float32Array | null;
  readonly #vocabularySize: number;

  constructor(options: ForwardGraphOptions, shape: BatchShape, slices: readonly QuerySlice[]) {
    const { layers, kv } = options;
    const perLayer = nodesPerLayer + nodesPerSliceLayer * slices.length;
    this.#graph = new Graph(nodesBase + layers * perLayer);
    const graph = this.#graph;
    const tokens = graph.input(tensorType.i32, shape.tokens);
    const positions = graph.input(tensorType.i32, shape.tokens);
    const outputRows = graph.input(tensorType.i32, shape.outputs);
    this.#attention = kv.inGraph(graph, shape, slices);
    const tap = makeTap(options, shape, (state) => graph.output(graph.getRows(state, outputRows)));
    const inputs = {
      tokens,
      positions,
      outputRows,
      tokenCount: shape.tokens,
      outputCount: shape.outputs,
      tap,
    };
    const logits = graph.output(options.architecture.build(graph, inputs, this.#attention));
    this.#allocate(options);
    const bytes = (tensor: Pointer): ArrayBuffer => defined(graph.bytes(tensor), "it is used");
    this.#tokens = new Int32Array(bytes(tokens));
    this.#positions = new Int32Array(bytes(positions));
    this.#outputRows = new Int32Array(bytes(outputRows));
    this.#logits = new Float32Array(bytes(logits));
    this.#hidden = tap === null ? null : new Float32Array(bytes(tap.taken()));
    this.#vocabularySize = options.vocabularySize;
  }

  get pointer(): Pointer {
    return this.#graph.pointer;
  }

  get computeBytes(): number {
    return this.#graph.computeBytes;
  }

  /** Writes a batch of this graph's shape into its inputs, where its device finds them. */
  fill(slices: readonly QuerySlice[], gates: readonly number[]): void {
    let row = 0;
    let output = 0;
    // A step that wants no token still computes one row of logits: rows cannot be none.
    this.#outputRows.fill(0);
    for (const slice of slices) {
      this.#tokens.set(slice.tokens, row);
      for (let index = 0; index < slice.tokens.length; index++) {
        this.#positions[row + index] = slice.positionStart + index;
      }
      row += slice.tokens.length;
      if (slice.sample !== null) this.#outputRows[output++] = row - 1;
    }
    this.#attention.fill(slices, gates);
    this.#graph.sendInputs();
  }

  /** Brings what was computed to where `logits` and `hidden` find it. */
  fetch(): Promise<void> {
    return this.#graph.fetchOutputs();
  }

  /** Logits of the batch's `index`-th sampling slice; valid until the next computation. */
  logits(index: number): Float32Array {
    const start = index * this.#vocabularySize;
    return this.#logits.subarray(start, start + this.#vocabularySize);
  }

  /** Hidden state of the `index`-th sampling slice's last token, a copy; null where not asked for. */
  hidden(index: number): Float32Array | null {
    if (this.#hidden === null) return null;
    const length = this.#hidden.length / this.#outputRows.length;
    return this.#hidden.slice(index * length, (index + 1) * length);
  }

  [Symbol.dispose](): void {
    this.#graph[Symbol.dispose]();
  }

  #allocate({ backend }: ForwardGraphOptions): void {
    try {
      this.#graph.allocate(backend.device);
    } catch (error) {
      this.#graph[Symbol.dispose]();
      throw error;
    }
  }
}

/**
 * Every output row is gathered when one is wanted: a graph per number of them would make too many.
 */
function makeTap(
  { hiddenLayer }: ForwardGraphOptions,
  shape: BatchShape,
  gather: (state: Pointer) => Pointer,
): (LayerTap & { taken(): Pointer }) | null {
  if (!shape.hidden || hiddenLayer === null) return null;
  let rows: Pointer | null = null;
  return {
    layer: hiddenLayer,
    take: (state) => {
      rows = gather(state);
    },
    taken: () => defined(rows, "the architecture showed the layer's state"),
  };
}
