// Keys and values in the layout of our kernel, attended to in place: any number of query tokens
// per sequence over scattered blocks, without a copy. A step's plan (positions, block tables, work
// items) is one tensor that all layers and all graphs share.

import { LociError } from "@loci/core";
import {
  type Graph,
  type KernelLayer,
  type KernelLibrary,
  type KernelMemory,
  type KernelWorkspace,
  type KvBlockLayout,
  type KvPool,
  NativeMemory,
  type PlanOptions,
  type Pointer,
  RestoreGates,
  attentionPlanCapacity,
  hostBlockAt,
  kvBlockLayout,
  planAttention,
  tensorType,
} from "@loci/ggml";
import type { BlockCopy, QuerySlice } from "@loci/engine";
import type {
  AttentionLayer,
  BatchShape,
  GraphAttention,
  KvMemory,
  KvMemoryOptions,
} from "./attention.ts";

export class NativeKvMemory implements KvMemory {
  readonly name: string;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly pool: KvPool;
  readonly waitsInKernel = true;
  readonly #options: KvMemoryOptions;
  readonly #kernel: KernelLibrary;
  readonly #layout: KvBlockLayout;
  readonly #memory: KernelMemory;
  readonly #gates = new RestoreGates();
  readonly #workspace: KernelWorkspace;
  readonly #planOptions: PlanOptions;
  readonly #planMemory: NativeMemory;
  readonly #planTensor: Pointer;
  readonly #plan: Int32Array;
  readonly #layers = new Map<string, KernelLayer>();

  constructor(kernel: KernelLibrary, options: KvMemoryOptions) {
    this.#kernel = kernel;
    this.#options = options;
    this.#layout = nativeLayout(options);
    this.name = `native (${kernel.isa})`;
    this.blockBytes = this.#layout.blockBytes;
    this.blockCount = options.blockCount;
    this.#memory = kernel.allocate(this.blockBytes * this.blockCount);
    this.pool = this.#makePool();
    const { blockTokens, kvHeads, queryHeads, threads, headSize } = options;
    const queryHeadsPerKvHead = queryHeads / kvHeads;
    const capacity = attentionPlanCapacity({ ...options, queryHeadsPerKvHead });
    this.#planOptions = { blockTokens, kvHeads, queryHeadsPerKvHead, threads, capacity };
    this.#workspace = kernel.createWorkspace({ threads, headSize, kvHeads, capacity });
    this.#planMemory = new NativeMemory(capacity.ints * Int32Array.BYTES_PER_ELEMENT);
    this.#planTensor = this.#planMemory.tensor(tensorType.i32, capacity.ints);
    this.#plan = new Int32Array(this.#planMemory.bytes);
  }

  /** Everything a batch varies lies in the plan, so a graph depends on its shape alone. */
  graphKey(): string {
    return "";
  }

  inGraph(graph: Graph, shape: BatchShape): GraphAttention {
    return {
      attend: (layer, query, key, value) =>
        this.#attend(graph, layer, { query, key, value, tokens: shape.tokens }),
      fill: (slices, gates) => this.#fill(slices, gates),
    };
  }

  copyBlocks(copies: readonly BlockCopy[]): void {
    for (const copy of copies) this.#kernel.copyBlock(this.#memory.address, this.#layout, copy);
  }

  checkStep(): void {
    const failure = this.#kernel.lastError();
    if (failure !== null) throw new LociError("internal", `Attention failed: ${failure}.`);
  }

  [Symbol.dispose](): void {
    for (const layer of this.#layers.values()) layer.free();
    this.#workspace.free();
    this.#memory.free();
    this.#gates[Symbol.dispose]();
    this.#planMemory[Symbol.dispose]();
  }

  #makePool(): KvPool {
    const { layers, blockTokens } = this.#options;
    const { blockCount, blockBytes } = this;
    const blockAt = hostBlockAt(this.#memory.address, { blockCount, blockBytes });
    const gates = this.#gates;
    return { blockCount, blockBytes, layers, blockTokens, gates, blockAt, allocateHost: null };
  }

  #attend(
    graph: Graph,
    layer: AttentionLayer,
    batch: { query: Pointer; key: Pointer; value: Pointer; tokens: number },
  ): Pointer {
    const userData = this.#layer(layer).address;
    const { headSize, queryHeads } = this.#options;
    const written = graph.custom({
      type: tensorType.f32,
      dimensions: [1, 1, 1],
      inputs: [batch.key, batch.value, this.#planTensor],
      function: this.#kernel.kvWriteFunction,
      userData,
    });
    return graph.custom({
      type: tensorType.f32,
      dimensions: [headSize * queryHeads, batch.tokens, 1],
      inputs: [batch.query, written, this.#planTensor],
      function: this.#kernel.attentionFunction,
      userData,
    });
  }

  #layer(layer: AttentionLayer): KernelLayer {
    const key = JSON.stringify(layer);
    const known = this.#layers.get(key);
    if (known !== undefined) return known;
    const { index, scale, softCap, slidingWindow } = layer;
    const made = this.#kernel.createLayer({
      workspace: this.#workspace,
      layout: this.#layout,
      layer: index,
      gatesAddress: this.#gates.address,
      poolAddress: this.#memory.address,
      blockCount: this.blockCount,
      queryHeads: this.#options.queryHeads,
      scale,
      softCap,
      slidingWindow,
    });
    this.#layers.set(key, made);
    return made;
  }

  #fill(slices: readonly QuerySlice[], gates: readonly number[]): void {
    planAttention(
      slices.map(({ tokens, positionStart, blockTable }) => ({
        tokenCount: tokens.length,
        positionStart,
        blockTable,
      })),
      { ...this.#planOptions, gates },
      this.#plan,
    );
  }
}

/** The kernel's layout for a model's shape. */
export function nativeLayout(
  shape: Pick<KvMemoryOptions, "layers" | "kvHeads" | "headSize" | "blockTokens" | "cacheType">,
): KvBlockLayout {
  const { layers, kvHeads, headSize, blockTokens, cacheType } = shape;
  const types = { keyType: cacheType, valueType: cacheType };
  return kvBlockLayout({ layers, kvHeads, headSize, blockTokens, ...types });
}
