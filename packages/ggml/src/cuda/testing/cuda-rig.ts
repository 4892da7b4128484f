// One layer of one pool on a card, or on an emulated one: stores tokens and attends to them through our
// driver calls, for tests.

import { planAttention, type PlanSlice } from "../../kernel/attention-plan.ts";
import { CudaAttention, cudaBlockLayout, type CudaHeadsTensor } from "../cuda-attention.ts";
import { CudaDriver, type CudaMemory, type CudaModule, type CudaStream } from "../cuda-driver.ts";
import { cudaCuts, rowsPerTile } from "../kernel-sizes.ts";

export interface RigShape {
  readonly headSize: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly blockTokens: number;
  readonly blockCount: number;
  readonly scale: number;
  readonly softCap: number;
  readonly slidingWindow: number;
}

const capacity = { ints: 8192, tiles: 64, segments: 512, slotRows: 1024 };
/** Of two, so that the other one's place shows when it is written by mistake. */
const layerIndex = 1;

export class CudaRig implements Disposable {
  readonly #shape: RigShape;
  readonly #driver: CudaDriver;
  readonly #stream: CudaStream;
  readonly #module: CudaModule;
  readonly #attention: CudaAttention;
  readonly #memories: CudaMemory[] = [];

  /** `driverPath` undefined = the machine's own driver. */
  constructor(driverPath: string | undefined, kernels: Uint8Array, shape: RigShape) {
    const { headSize, kvHeads, blockTokens, blockCount, group } = shape;
    this.#shape = shape;
    this.#driver = new CudaDriver(driverPath);
    this.#stream = this.#driver.createStream();
    this.#module = this.#driver.loadModule(kernels);
    const types = { keyType: "f16", valueType: "f16" } as const;
    const layout = cudaBlockLayout({ layers: 2, kvHeads, headSize, blockTokens, ...types });
    const pool = this.#allocate(layout.blockBytes * blockCount);
    this.#attention = new CudaAttention(this.#driver, this.#module, this.#stream, {
      layout,
      poolAddress: pool.address,
      blockCount,
      queryHeadsPerKvHead: group,
      capacity,
    });
  }

  plan(slices: readonly PlanSlice[]): Int32Array {
    const { headSize, kvHeads, blockTokens, group } = this.#shape;
    const target = new Int32Array(capacity.ints);
    const rows = rowsPerTile({ headSize, type: "f16" }, this.#driver.sharedBytesMax);
    const shape = { blockTokens, queryHeadsPerKvHead: group, kvHeads, threads: 2, capacity };
    const options = { ...shape, rowsPerTile: rows, cuts: cudaCuts };
    return target.subarray(0, planAttention(slices, options, target));
  }

  /** keys, values: [token][kv head][dim]. */
  store(keys: Float32Array, values: Float32Array, plan: Int32Array): void {
    const { kvHeads } = this.#shape;
    this.#attention.begin(plan);
    this.#attention.store(
      this.#layer,
      this.#tensor(this.#upload(keys), kvHeads),
      this.#tensor(this.#upload(values), kvHeads),
    );
    this.#attention.checkStep();
  }

  /** queries: [token][query head][dim]; so is the result. */
  attend(queries: Float32Array, plan: Int32Array): Float32Array {
    const heads = this.#shape.kvHeads * this.#shape.group;
    const results = this.#upload(new Float32Array(queries.length).fill(Number.NaN));
    this.#attention.begin(plan);
    this.#attention.attend(
      this.#layer,
      this.#tensor(this.#upload(queries), heads),
      results.address,
      heads * this.#shape.headSize,
    );
    this.#attention.checkStep();
    const computed = new Float32Array(queries.length);
    this.#stream.download(computed, results.address);
    return computed;
  }

  [Symbol.dispose](): void {
    this.#attention[Symbol.dispose]();
    for (const memory of this.#memories) memory[Symbol.dispose]();
    for (const part of [this.#module, this.#stream, this.#driver]) part[Symbol.dispose]();
  }

  get #layer(): { index: number; scale: number; softCap: number; slidingWindow: number } {
    const { scale, softCap, slidingWindow } = this.#shape;
    return { index: layerIndex, scale, softCap, slidingWindow };
  }

  #tensor({ address }: CudaMemory, heads: number): CudaHeadsTensor {
    const { headSize } = this.#shape;
    return { address, tokenStride: heads * headSize, headStride: headSize };
  }

  #allocate(bytes: number): CudaMemory {
    const memory = this.#driver.allocate(bytes);
    this.#memories.push(memory);
    return memory;
  }

  #upload(values: Float32Array): CudaMemory {
    const memory = this.#allocate(values.byteLength);
    this.#stream.upload(memory.address, values);
    return memory;
  }
}
