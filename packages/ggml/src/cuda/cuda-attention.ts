// Paged attention on an NVIDIA card, for one pool: what the forward graph calls between the parts that ggml
// computes. Once a step: `begin` with its plan. For every layer: `store`, then `attend`, on a stream that waits for
// ggml's and that ggml's waits for (docs/decisions/cuda-attention.md). Nothing here waits for the card.
// Not wired to a model, and not run on a card yet.

import { LociError, assert, defined } from "@loci/core";
import type { PlanCapacity } from "../kernel/plan-layout.ts";
import { type KvBlockLayout, type KvShape, kvBlockLayout } from "../kernel/kv-layout.ts";
import type { Pointer } from "../pointer.ts";
import { type AttentionLaunches, attentionLaunches } from "./attention-launches.ts";
import type { CudaDriver, CudaLaunch, CudaMemory, CudaModule, CudaStream } from "./cuda-driver.ts";
import type { CudaKvType } from "./kernel-sizes.ts";
import { failures, type LaunchParameters, packParameters } from "./launch-parameters.ts";

export interface CudaAttentionOptions {
  readonly layout: KvBlockLayout;
  /** Block 0, on the card. */
  readonly poolAddress: Pointer;
  readonly blockCount: number;
  readonly queryHeadsPerKvHead: number;
  readonly capacity: PlanCapacity;
}

export interface CudaLayer {
  /** Index within the layout. */
  readonly index: number;
  readonly scale: number;
  /** 0 = off. */
  readonly softCap: number;
  /** 0 = all positions are seen. */
  readonly slidingWindow: number;
}

/** f32 on the card, [token][head][dim]; dims lie side by side. Strides in elements. */
export interface CudaHeadsTensor {
  readonly address: Pointer;
  readonly tokenStride: number;
  readonly headStride: number;
}

/**
 * How keys and values lie on a card: sizes as on the CPU, but keys in the order of values, [token][dim], which
 * the matrix instructions read without turning them. Such blocks are not exchanged with the CPU's.
 */
export function cudaBlockLayout(shape: KvShape): KvBlockLayout {
  const layout = kvBlockLayout(shape);
  return { ...layout, layoutId: layout.layoutId.replace("kv1-", "cuda1-") };
}

/** Rounded in f16, sums in f32; the CPU's kernel sums and rounds in f32. */
export class CudaAttention implements Disposable {
  readonly #module: CudaModule;
  readonly #stream: CudaStream;
  readonly #options: CudaAttentionOptions;
  readonly #type: CudaKvType;
  readonly #plan: CudaMemory;
  readonly #work: CudaMemory;
  readonly #partials: CudaMemory;
  readonly #states: CudaMemory;
  readonly #failure: CudaMemory;
  #launches: AttentionLaunches | null = null;
  #planInts = 0;

  /** LociError out_of_memory when the working memory does not fit the card. */
  constructor(
    driver: CudaDriver,
    module: CudaModule,
    stream: CudaStream,
    options: CudaAttentionOptions,
  ) {
    const { capacity, layout } = options;
    const { blockTokens, headSize, kvHeads } = layout;
    assert(Number.isInteger(Math.log2(blockTokens)), "a block is a power of two of tokens");
    this.#module = module;
    this.#stream = stream;
    this.#options = options;
    this.#type = cudaKvType(layout);
    const slotRows = Math.max(1, capacity.slotRows) * kvHeads;
    this.#plan = driver.allocate(capacity.ints * 4);
    this.#work = driver.allocate((capacity.segments + capacity.tiles) * 4);
    this.#partials = driver.allocate(slotRows * headSize * 4);
    this.#states = driver.allocate(slotRows * 2 * 4);
    this.#failure = driver.allocate(4);
    stream.fill(this.#failure.address, 0, 1);
  }

  /** Sends a step's plan to the card, as `planAttention` wrote it, without what follows it. */
  begin(plan: Int32Array): void {
    const { layout } = this.#options;
    const { headSize, kvHeads } = layout;
    assert(plan.byteLength <= this.#plan.bytes, "the plan is within the capacity");
    this.#launches = attentionLaunches(plan, { headSize, kvHeads, type: this.#type });
    const { work } = this.#launches;
    assert(work.byteLength <= this.#work.bytes, "the work is within the capacity");
    this.#planInts = plan.length;
    this.#stream.upload(this.#plan.address, plan);
    if (work.length > 0) this.#stream.upload(this.#work.address, work);
  }

  /** Puts the step's keys and values into their blocks. */
  store(layer: CudaLayer, keys: CudaHeadsTensor, values: CudaHeadsTensor): void {
    this.#launch(this.#begun().store, {
      ...this.#parameters(layer),
      keys: keys.address,
      keyTokenStride: keys.tokenStride,
      keyHeadStride: keys.headStride,
      values: values.address,
      valueTokenStride: values.tokenStride,
      valueHeadStride: values.headStride,
    });
  }

  /**
   * `results`: f32 [token][query head · head size], tokens `resultTokenStride` elements apart. Rows
   * beyond the plan's tokens keep what they held.
   */
  attend(
    layer: CudaLayer,
    queries: CudaHeadsTensor,
    results: Pointer,
    resultTokenStride: number,
  ): void {
    const parameters: LaunchParameters = {
      ...this.#parameters(layer),
      queries: queries.address,
      queryTokenStride: queries.tokenStride,
      queryHeadStride: queries.headStride,
      results,
      resultTokenStride,
    };
    for (const launch of this.#begun().attend) {
      const work = this.#work.address + BigInt(launch.workStart * 4);
      this.#launch(launch, { ...parameters, work });
    }
  }

  /** Waits for the stream. LociError internal when a kernel found its plan corrupt. */
  checkStep(): void {
    const failure = new Int32Array(1);
    this.#stream.download(failure, this.#failure.address);
    const [found] = failure;
    if (found === 0) return;
    this.#stream.fill(this.#failure.address, 0, 1);
    const reason = failures[defined(found)] ?? `failure ${found}`;
    throw new LociError("internal", `Attention on the card failed: ${reason}.`);
  }

  [Symbol.dispose](): void {
    const all = [this.#plan, this.#work, this.#partials, this.#states, this.#failure];
    for (const memory of all) memory[Symbol.dispose]();
  }

  #begun(): AttentionLaunches {
    return defined(this.#launches, "a step has begun");
  }

  #launch(launch: CudaLaunch, parameters: LaunchParameters): void {
    this.#module.launch(launch, packParameters(parameters), this.#stream);
  }

  /** What is the same for all kernels; tensors are absent. */
  #parameters(layer: CudaLayer): LaunchParameters {
    const { layout, poolAddress, blockCount, queryHeadsPerKvHead, capacity } = this.#options;
    assert(layer.index >= 0 && layer.index < layout.layers, "the layer exists");
    assert(layer.scale > 0, "scores are scaled by something");
    return {
      layer: poolAddress + BigInt(layer.index * layout.layerBytes),
      blockStride: layout.blockBytes,
      headStride: layout.headBytes,
      valueOffset: layout.keyBytes,
      blockCount,
      blockTokens: layout.blockTokens,
      kvHeads: layout.kvHeads,
      group: queryHeadsPerKvHead,
      slidingWindow: layer.slidingWindow,
      scale: layer.scale,
      softCap: layer.softCap,
      plan: this.#plan.address,
      planInts: this.#planInts,
      work: this.#work.address,
      slotRows: capacity.slotRows,
      queries: 0n,
      queryTokenStride: 0,
      queryHeadStride: 0,
      keys: 0n,
      keyTokenStride: 0,
      keyHeadStride: 0,
      values: 0n,
      valueTokenStride: 0,
      valueHeadStride: 0,
      results: 0n,
      resultTokenStride: 0,
      partials: this.#partials.address,
      states: this.#states.address,
      failure: this.#failure.address,
    };
  }
}

/** LociError not_supported when there are no kernels for it. */
function cudaKvType({ keyType, valueType }: KvBlockLayout): CudaKvType {
  if (keyType === valueType && keyType !== "f32") return keyType;
  throw new LociError(
    "not_supported",
    `Keys of ${keyType} and values of ${valueType} have no kernel.`,
    {
      remedy: "Use --cache-type-k f16 --cache-type-v f16.",
    },
  );
}
