// Our kernel as ggml runs it: a pool of several layers (so that one pass over the layers is not
// one pass over a warm cache), graphs of the custom operators on a thread pool.

import {
  type CpuBackend,
  Graph,
  type KernelLayer,
  type KernelLibrary,
  type KernelWorkspace,
  type KvBlockLayout,
  NativeMemory,
  type PlanOptions,
  type PlanSlice,
  type Pointer,
  attentionPlanCapacity,
  kvBlockLayout,
  loadGgml,
  planAttention,
  tensorBytes,
  tensorType,
} from "@loci/ggml";
import { LociError, defined } from "@loci/core";
import { type HeadShape, blockTokens, fillRandom } from "./attention-shape.ts";

/** A graph that computes attention once per layer, and where the first layer's results lie. */
export interface AttentionGraph {
  readonly graph: Graph;
  readonly results: readonly Float32Array[];
}

export interface RigOptions {
  readonly kernel: KernelLibrary;
  readonly backend: CpuBackend;
  readonly shape: HeadShape;
  readonly layers: number;
  readonly blockCount: number;
  readonly contextTokensMax: number;
  readonly stepTokensMax: number;
  readonly stepSlicesMax: number;
  /** Query rows that share a pass over the keys; default the kernel's. */
  readonly rowsPerTile?: number;
}

/** A pool elsewhere than in the rig, one address per layer, each of one layer's blocks. */
export type PoolAddresses = readonly Pointer[];

export class KernelRig implements Disposable {
  readonly options: RigOptions;
  readonly layout: KvBlockLayout;
  readonly #pool: NativeMemory;
  readonly #workspace: KernelWorkspace;
  readonly #planOptions: PlanOptions;
  readonly #layers: readonly KernelLayer[];
  readonly #made: { free(): void }[] = [];

  constructor(options: RigOptions) {
    const { kernel, backend, shape } = options;
    const { kvHeads, headSize } = shape;
    this.options = options;
    const types = { keyType: "f16", valueType: "f16" } as const;
    this.layout = kvBlockLayout({
      layers: options.layers,
      kvHeads,
      headSize,
      blockTokens,
      ...types,
    });
    const queryHeadsPerKvHead = shape.queryHeads / kvHeads;
    const { threads } = backend;
    const limits = { ...options, blockTokens, queryHeadsPerKvHead, threads };
    const capacity = attentionPlanCapacity(limits);
    const rows = options.rowsPerTile === undefined ? {} : { rowsPerTile: options.rowsPerTile };
    this.#planOptions = { blockTokens, kvHeads, queryHeadsPerKvHead, threads, capacity, ...rows };
    this.#pool = new NativeMemory(this.layout.blockBytes * options.blockCount);
    this.#workspace = kernel.createWorkspace({ threads, headSize, kvHeads, capacity });
    this.#layers = Array.from({ length: options.layers }, (_, layer) =>
      this.#layer(this.layout, layer, this.#pool.address),
    );
  }

  #layer(layout: KvBlockLayout, layer: number, poolAddress: Pointer): KernelLayer {
    const { kernel, shape, blockCount } = this.options;
    const made = kernel.createLayer({
      workspace: this.#workspace,
      layout,
      layer,
      poolAddress,
      blockCount,
      queryHeads: shape.queryHeads,
      scale: 1 / Math.sqrt(shape.headSize),
      softCap: 0,
      slidingWindow: 0,
    });
    this.#made.push(made);
    return made;
  }

  /** A plan as a tensor. */
  plan(slices: readonly PlanSlice[]): Pointer {
    const { capacity } = this.#planOptions;
    const scratch = new Int32Array(capacity.ints);
    const used = planAttention(slices, this.#planOptions, scratch);
    const memory = new NativeMemory(used * Int32Array.BYTES_PER_ELEMENT);
    new Int32Array(memory.bytes).set(scratch.subarray(0, used));
    this.#made.push({ free: () => memory[Symbol.dispose]() });
    return memory.tensor(tensorType.i32, used);
  }

  /** Writes random keys and values (by the seed) of a sequence's first tokens, in every layer. */
  write(blockTable: Int32Array, tokens: number, seed: number): void {
    const { kernel, backend, shape } = this.options;
    using graph = new Graph(this.#layers.length + 8);
    const plan = this.plan([{ tokenCount: tokens, positionStart: 0, blockTable }]);
    const input = (): Pointer => graph.input(tensorType.f32, shape.headSize, shape.kvHeads, tokens);
    const keys = input();
    const values = input();
    for (const layer of this.#layers) {
      const written = graph.custom({
        type: tensorType.f32,
        dimensions: [1, 1, 1],
        inputs: [keys, values, plan],
        function: kernel.kvWriteFunction,
        userData: layer.address,
      });
      graph.output(written);
    }
    graph.allocate();
    fillRandom(new Float32Array(tensorBytes(keys)), seed);
    fillRandom(new Float32Array(tensorBytes(values)), seed + 1);
    backend.computeSync(graph.pointer);
    this.check();
  }

  /** Attention of `plans`, one after the other, in every layer; each brings `tokens` queries. */
  attention(plans: readonly Pointer[], tokens: number, pools?: PoolAddresses): AttentionGraph {
    const { kernel, shape } = this.options;
    const { queryHeads, headSize } = shape;
    const ownLayout = kvBlockLayout({ ...this.layout, layers: 1 });
    const layers =
      pools === undefined ? this.#layers : pools.map((pool) => this.#layer(ownLayout, 0, pool));
    const graph = new Graph((layers.length + 1) * plans.length + 8);
    this.#made.push({ free: () => graph[Symbol.dispose]() });
    const queries = graph.input(tensorType.f32, headSize, queryHeads, tokens * plans.length);
    const order = graph.input(tensorType.f32, 1);
    const headBytes = headSize * 4;
    const views = plans.map((_, index) => {
      const size = [headSize, queryHeads, tokens] as const;
      const tokenBytes = headBytes * queryHeads;
      return graph.view3d(queries, size, [headBytes, tokenBytes], index * tokens * tokenBytes);
    });
    const attend = (layer: KernelLayer, index: number): Pointer =>
      graph.output(
        graph.custom({
          type: tensorType.f32,
          dimensions: [headSize * queryHeads, tokens, 1],
          inputs: [defined(views[index]), order, defined(plans[index])],
          function: kernel.attentionFunction,
          userData: layer.address,
        }),
      );
    const outputs = layers.map((layer) => plans.map((_, index) => attend(layer, index)));
    graph.allocate();
    fillRandom(new Float32Array(tensorBytes(queries)), 5);
    return {
      graph,
      results: defined(outputs[0]).map((node) => new Float32Array(tensorBytes(node))),
    };
  }

  /** Copies each layer's part of `blocks` to contiguous memory; the addresses of the copies. */
  gather(blocks: Int32Array): { readonly graph: Graph; readonly copies: PoolAddresses } {
    const graph = new Graph(4 * this.#layers.length + 8);
    this.#made.push({ free: () => graph[Symbol.dispose]() });
    const { blockBytes, layerBytes } = this.layout;
    const words = (blockBytes / 4) * this.options.blockCount;
    const memory = this.#pool.tensor(tensorType.f32, words);
    const rows = graph.input(tensorType.i32, blocks.length);
    const copies = this.#layers.map((_, layer) => {
      const size = [layerBytes / 4, this.options.blockCount] as const;
      const part = graph.view2d(memory, size, blockBytes, layer * layerBytes);
      return graph.output(graph.getRows(part, rows));
    });
    graph.allocate();
    new Int32Array(tensorBytes(rows)).set(blocks);
    const { base } = loadGgml();
    return { graph, copies: copies.map((copy) => defined(base.getData(copy))) };
  }

  /** Multiply-adds at full speed on every thread. */
  probe(): { readonly graph: Graph; readonly flop: number } {
    const { kernel, backend } = this.options;
    const layer = defined(this.#layers[0]);
    const graph = new Graph(8);
    this.#made.push({ free: () => graph[Symbol.dispose]() });
    const node = graph.custom({
      type: tensorType.f32,
      dimensions: [1, 1, 1],
      inputs: [],
      function: kernel.probeFunction,
      userData: layer.address,
    });
    graph.output(node);
    graph.allocate();
    return { graph, flop: kernel.probeFlop(layer) * backend.threads };
  }

  /** LociError when an operator failed. */
  check(): void {
    const failure = this.options.kernel.lastError();
    if (failure !== null) throw new LociError("internal", `The kernel failed: ${failure}.`);
  }

  [Symbol.dispose](): void {
    for (const each of this.#made.toReversed()) each.free();
    this.#workspace.free();
    this.#pool[Symbol.dispose]();
  }
}
