// The GPU's kernels on the emulation of a GPU: by a program without JavaScript, over every kernel; and through our
// driver calls, with the planner's own plans, shared prefixes among them. A machine without a compiler skips
// with the line that installs it. No card takes part: that is `npm run check:cuda`.

import { afterAll, expect, test } from "vitest";
import { LociError, Random, defined } from "@loci/core";
import { buildCudaCheck, type CudaCheck, missingTools } from "../../native/cuda/cuda-check.ts";
import { planAttention, type PlanSlice } from "../kernel/attention-plan.ts";
import { planHeader } from "../kernel/plan-layout.ts";
import { referenceAttention } from "../kernel/testing/reference-attention.ts";
import { CudaAttention, cudaBlockLayout, type CudaLayer } from "./cuda-attention.ts";
import { CudaDriver, type CudaMemory } from "./cuda-driver.ts";
import { cudaCuts, rowsPerTile } from "./kernel-sizes.ts";

const missing = missingTools();
const check: CudaCheck | null = missing === null ? buildCudaCheck() : null;
afterAll(() => check?.[Symbol.dispose]());

test("every kernel agrees with float64, without JavaScript", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  const { emulatedDriver, run } = defined(check);
  expect(run(emulatedDriver, emulatedDriver, 2)).toContain("cases agree with float64");
});

const headSize = 64;
const kvHeads = 2;
const group = 4;
const blockTokens = 16;
const blockCount = 96;
const layerIndex = 1;
const capacity = { ints: 8192, tiles: 64, segments: 512, slotRows: 1024 };

/** Tokens of a sequence and the blocks they are in; the first blocks may be another's, too. */
interface Sequence {
  readonly table: Int32Array;
  readonly slices: readonly PlanSlice[];
}

/** Three decode after one long prompt; one reads a prompt with a hole in it; one is new. */
function sequences(): readonly Sequence[] {
  const prefix = Array.from({ length: 12 }, (_, index) => 95 - index * 3);
  const decoding = [0, 1, 2].map((index) => {
    const table = Int32Array.from([...prefix, 1 + index * 3]);
    const slice = { tokenCount: 1, positionStart: 195 + index, blockTable: table };
    return { table, slices: [slice] };
  });
  const holed = Int32Array.from({ length: 10 }, (_, index) => 30 + index * 3 + 1);
  const slicesOfHoled = [
    { tokenCount: 40, positionStart: 0, blockTable: holed },
    { tokenCount: 30, positionStart: 120, blockTable: holed },
  ];
  const table = Int32Array.from([2, 5]);
  const slices = [{ tokenCount: 20, positionStart: 0, blockTable: table }];
  return [...decoding, { table: holed, slices: slicesOfHoled }, { table, slices }];
}

class Rig implements Disposable {
  readonly #driver: CudaDriver;
  readonly #memories: CudaMemory[] = [];
  readonly #pool: CudaMemory;
  readonly attention: CudaAttention;
  readonly #stream;
  readonly #module;

  constructor(driverPath: string) {
    this.#driver = new CudaDriver(driverPath);
    const layout = cudaBlockLayout({
      ...{ layers: 2, kvHeads, headSize, blockTokens },
      ...({ keyType: "f16", valueType: "f16" } as const),
    });
    this.#pool = this.#driver.allocate(layout.blockBytes * blockCount);
    this.#memories.push(this.#pool);
    this.#stream = this.#driver.createStream();
    this.#module = this.#driver.loadModule(new Uint8Array([0]));
    this.attention = new CudaAttention(this.#driver, this.#module, this.#stream, {
      layout,
      poolAddress: this.#pool.address,
      blockCount,
      queryHeadsPerKvHead: group,
      capacity,
    });
  }

  plan(slices: readonly PlanSlice[]): Int32Array {
    const target = new Int32Array(capacity.ints);
    const rows = rowsPerTile({ headSize, type: "f16" }, this.#driver.sharedBytesMax);
    const shape = { blockTokens, queryHeadsPerKvHead: group, kvHeads, threads: 2, capacity };
    const options = { ...shape, rowsPerTile: rows, cuts: cudaCuts };
    return target.subarray(0, planAttention(slices, options, target));
  }

  upload(values: Float32Array): CudaMemory {
    const memory = this.#driver.allocate(values.byteLength);
    this.#memories.push(memory);
    this.#stream.upload(memory.address, values);
    return memory;
  }

  download(memory: CudaMemory): Float32Array {
    const values = new Float32Array(memory.bytes / 4);
    this.#stream.download(values, memory.address);
    return values;
  }

  [Symbol.dispose](): void {
    this.attention[Symbol.dispose]();
    for (const memory of this.#memories) memory[Symbol.dispose]();
    for (const part of [this.#module, this.#stream, this.#driver]) part[Symbol.dispose]();
  }
}

/** Small whole numbers over 8: f16 holds them exactly, so that the reference sees what the kernel sees. */
function values(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.integer(-16, 16) / 8);
}

const tensor = (memory: CudaMemory, heads: number) => ({
  address: memory.address,
  tokenStride: heads * headSize,
  headStride: headSize,
});

/** What each block of the pool holds: a token's key or value of a head. */
type Cache = ReadonlyMap<number, Float32Array>;

function rowsOf(cache: Cache, table: Int32Array, head: number): Float64Array[] {
  return [...table].flatMap((block) =>
    Array.from({ length: blockTokens }, (_, token) =>
      Float64Array.from(
        defined(cache.get(block * blockTokens + token)).subarray(
          head * headSize,
          (head + 1) * headSize,
        ),
      ),
    ),
  );
}

test("our driver calls and plans give the reference's attention", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  using rig = new Rig(defined(check).emulatedDriver);
  const random = new Random(7);
  const width = kvHeads * headSize;
  const blocks = [...new Set(sequences().flatMap(({ table }) => [...table]))];
  const cached = blocks.length * blockTokens;
  const keys = values(random, cached * width);
  const vals = values(random, cached * width);
  const caches = [keys, vals].map((source) => {
    const rows = blocks.flatMap((block, place) =>
      Array.from({ length: blockTokens }, (_, token) => {
        const at = (place * blockTokens + token) * width;
        return [block * blockTokens + token, source.subarray(at, at + width)] as const;
      }),
    );
    return new Map(rows);
  });
  const layer: CudaLayer = { index: layerIndex, scale: 0.125, softCap: 20, slidingWindow: 150 };
  const whole = { tokenCount: cached, positionStart: 0, blockTable: Int32Array.from(blocks) };
  rig.attention.begin(rig.plan([whole]));
  rig.attention.store(layer, tensor(rig.upload(keys), kvHeads), tensor(rig.upload(vals), kvHeads));
  const slices = sequences().flatMap((sequence) => sequence.slices);
  const plan = rig.plan(slices);
  const items = defined(plan[planHeader.items]);
  expect(defined(plan[planHeader.segments])).toBeGreaterThan(items);
  rig.attention.begin(plan);
  const tokens = slices.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const heads = kvHeads * group;
  const queries = values(random, tokens * heads * headSize);
  const results = rig.upload(new Float32Array(queries.length).fill(Number.NaN));
  rig.attention.attend(
    layer,
    tensor(rig.upload(queries), heads),
    results.address,
    heads * headSize,
  );
  rig.attention.checkStep();
  const computed = rig.download(results);
  let at = 0;
  for (const { blockTable, positionStart, tokenCount } of slices) {
    for (let head = 0; head < kvHeads; head++) {
      const cache = {
        keys: rowsOf(defined(caches[0]), blockTable, head),
        values: rowsOf(defined(caches[1]), blockTable, head),
      };
      for (let row = 0; row < tokenCount * group; row++) {
        const token = Math.floor(row / group);
        const start = ((at + token) * heads + head * group + (row % group)) * headSize;
        const query = Float64Array.from(queries.subarray(start, start + headSize));
        const expected = referenceAttention(query, positionStart + token, cache, layer);
        for (const [dim, value] of expected.entries()) {
          expect(Math.abs(value - defined(computed[start + dim]))).toBeLessThan(4e-3);
        }
      }
    }
    at += tokenCount;
  }
});

test("a corrupt plan is an error, and the next step works", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  using rig = new Rig(defined(check).emulatedDriver);
  const slices = [{ tokenCount: 1, positionStart: 3, blockTable: Int32Array.from([4]) }];
  const layer: CudaLayer = { index: layerIndex, scale: 1, softCap: 0, slidingWindow: 0 };
  const memory = rig.upload(new Float32Array(kvHeads * group * headSize));
  const attend = (plan: Int32Array): void => {
    rig.attention.begin(plan);
    rig.attention.attend(layer, tensor(memory, kvHeads * group), memory.address, 0);
    rig.attention.checkStep();
  };
  const good = rig.plan(slices);
  const corrupt = good.slice();
  corrupt[corrupt.lastIndexOf(4)] = blockCount;
  expect(() => {
    attend(corrupt);
  }).toThrow(/a block lies outside of the pool/);
  attend(good);
});

test("kernels that are not there, and too much memory, are errors of ours", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  using driver = new CudaDriver(defined(check).emulatedDriver);
  using stream = driver.createStream();
  using module = driver.loadModule(new Uint8Array([0]));
  const launch = { kernel: "loci_attend_7", gridX: 1, gridY: 1, threads: 32, sharedBytes: 0 };
  const codes = [
    () => {
      module.launch(launch, new DataView(new ArrayBuffer(8)), stream);
    },
    () => driver.allocate(2 ** 50),
  ].map((act) => {
    try {
      act();
      return null;
    } catch (error) {
      return error instanceof LociError ? error.code : error;
    }
  });
  expect(codes).toEqual(["native_library_mismatch", "out_of_memory"]);
});
