// Drives the native operators without ggml: fake tensors by the kernel's own mirror, threads by
// its test driver. One layer of one pool.

import koffi from "koffi";
import { assert, defined } from "@loci/core";
import { type PlanSlice, planAttention } from "../attention-plan.ts";
import type {
  KernelLayer,
  KernelLibrary,
  KernelWorkspace,
  KernelMemory,
} from "../kernel-library.ts";
import { type KvBlockLayout, type KvType, kvBlockLayout } from "../kv-layout.ts";
import { attentionPlanCapacity, type PlanCapacity } from "../plan-layout.ts";
import { PoolReader } from "./pool-reader.ts";

export interface TestbedOptions {
  readonly headSize: number;
  readonly kvHeads: number;
  readonly queryHeadsPerKvHead: number;
  readonly blockTokens: number;
  readonly blockCount: number;
  readonly keyType: KvType;
  readonly valueType: KvType;
  readonly softCap: number;
  readonly slidingWindow: number;
  readonly threads: number;
  readonly contextTokensMax: number;
  readonly stepTokensMax: number;
}

const tensorBytes = 336;
const typeI32 = 26;

export class KernelTestbed implements Disposable {
  readonly options: TestbedOptions;
  readonly layout: KvBlockLayout;
  readonly scale: number;
  readonly capacity: PlanCapacity;
  readonly reader: PoolReader;
  /** The pool's bytes. */
  readonly pool: ArrayBuffer;
  readonly #kernel: KernelLibrary;
  readonly #poolMemory: KernelMemory;
  readonly #workspace: KernelWorkspace;
  readonly #layer: KernelLayer;

  constructor(kernel: KernelLibrary, options: TestbedOptions) {
    this.#kernel = kernel;
    this.options = options;
    this.scale = 1 / Math.sqrt(options.headSize);
    this.layout = kvBlockLayout({ layers: 2, ...options });
    this.capacity = attentionPlanCapacity({ ...options, stepSlicesMax: 16 });
    this.#poolMemory = kernel.allocate(this.layout.blockBytes * options.blockCount);
    this.pool = koffi.view(this.#poolMemory.address, this.#poolMemory.bytes);
    // Memory that nobody wrote must not matter: all bits set are NaNs.
    new Uint8Array(this.pool).fill(0xff);
    this.reader = new PoolReader(this.layout, this.pool);
    this.#workspace = kernel.createWorkspace({ ...options, capacity: this.capacity });
    this.#layer = kernel.createLayer({
      ...options,
      workspace: this.#workspace,
      layout: this.layout,
      layer: 1,
      poolAddress: this.#poolMemory.address,
      queryHeads: options.kvHeads * options.queryHeadsPerKvHead,
      scale: this.scale,
    });
  }

  plan(slices: readonly PlanSlice[]): Int32Array {
    const target = new Int32Array(this.capacity.ints);
    const used = planAttention(slices, { ...this.options, capacity: this.capacity }, target);
    return target.subarray(0, used);
  }

  /** keys, values: [token][kv head][dim]. */
  write(keys: Float32Array, values: Float32Array, plan: Int32Array): void {
    const { headSize, kvHeads } = this.options;
    const shape = [headSize, kvHeads, keys.length / headSize / kvHeads];
    const dst: Tensor = { data: new Float32Array(1), shape: [1] };
    this.#run(this.#kernel.kvWriteFunction, dst, [
      { data: keys, shape },
      { data: values, shape },
      { data: plan, shape: [plan.length] },
    ]);
  }

  /** queries: [token][query head][dim]; so is the result. */
  attend(
    queries: Float32Array,
    plan: Int32Array,
    threads: number = this.options.threads,
  ): Float32Array {
    const { headSize, kvHeads, queryHeadsPerKvHead } = this.options;
    const heads = kvHeads * queryHeadsPerKvHead;
    const tokens = queries.length / headSize / heads;
    const data = new Float32Array(queries.length).fill(Number.NaN);
    this.#run(
      this.#kernel.attentionFunction,
      { data, shape: [headSize * heads, tokens] },
      [
        { data: queries, shape: [headSize, heads, tokens] },
        { data: new Float32Array(1), shape: [1] },
        { data: plan, shape: [plan.length] },
      ],
      threads,
    );
    return data;
  }

  copyBlock(source: number, target: number, tokens: number): void {
    this.#kernel.copyBlock(this.#poolMemory.address, this.layout, { source, target, tokens });
  }

  #run(
    operation: bigint,
    dst: Tensor,
    sources: readonly Tensor[],
    threads = this.options.threads,
  ): void {
    const structs = sources.map(fakeTensor);
    const result = fakeTensor(dst);
    for (const [index, struct] of structs.entries()) {
      result.setBigUint64(152 + index * 8, koffi.address(struct.buffer), true);
    }
    this.#kernel.runThreads(operation, koffi.address(result.buffer), threads, this.#layer);
    assert(structs.length === sources.length, "tensors stay referenced");
  }

  [Symbol.dispose](): void {
    this.#layer.free();
    this.#workspace.free();
    this.#poolMemory.free();
  }
}

interface Tensor {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

function fakeTensor(tensor: Tensor): DataView {
  const view = new DataView(new ArrayBuffer(tensorBytes));
  view.setInt32(0, tensor.data instanceof Int32Array ? typeI32 : 0, true);
  let stride = 4;
  for (let i = 0; i < 4; i++) {
    const length = tensor.shape[i] ?? 1;
    view.setBigInt64(16 + i * 8, BigInt(length), true);
    view.setBigUint64(48 + i * 8, BigInt(stride), true);
    stride *= length;
  }
  const { buffer, byteOffset } = tensor.data;
  view.setBigUint64(248, koffi.address(defined(buffer)) + BigInt(byteOffset), true);
  return view;
}
