// The GPU's kernels on the emulation of a GPU: by a program without JavaScript, over every kernel; and through our
// driver calls, with the planner's own plans, shared prefixes among them. A machine without a compiler skips
// with the line that installs it; one with a card and its kernels runs on that, too.

import { existsSync, readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { LociError, Random, defined } from "@loci/core";
import {
  buildCudaCheck,
  type CudaCheck,
  kernelsPath,
  missingTools,
} from "../../native/cuda/cuda-check.ts";
import type { PlanSlice } from "../kernel/attention-plan.ts";
import { planHeader } from "../kernel/plan-layout.ts";
import { referenceAttention } from "../kernel/testing/reference-attention.ts";
import { CudaDriver } from "./cuda-driver.ts";
import { CudaRig } from "./testing/cuda-rig.ts";

const missing = missingTools();
const check: CudaCheck | null = missing === null ? buildCudaCheck() : null;
afterAll(() => check?.[Symbol.dispose]());

/** Not looked at: the emulation has the kernels compiled in. */
const emulatedKernels = new Uint8Array([0]);

const shape = { headSize: 64, kvHeads: 2, group: 4, blockTokens: 16, blockCount: 96 } as const;
const { headSize, kvHeads, group, blockTokens } = shape;
const layer = { scale: 0.125, softCap: 20, slidingWindow: 150 };
const queryHeads = kvHeads * group;
/** Weights are rounded to f16 before they meet values of at most 2. */
const errorMax = 4e-3;

interface Machine {
  readonly name: string;
  /** What is missing; null = it is there. */
  readonly needs: string | null;
  open(): CudaRig;
}

/** A card counts when its driver opens it. */
function cardIsThere(): boolean {
  try {
    new CudaDriver()[Symbol.dispose]();
    return existsSync(kernelsPath);
  } catch (error) {
    if (error instanceof LociError) return false;
    throw error;
  }
}

const machines: readonly Machine[] = [
  {
    name: "the emulation",
    needs: missing,
    open: () => new CudaRig(defined(check).emulatedDriver, emulatedKernels, { ...shape, ...layer }),
  },
  {
    name: "this machine's card",
    needs: cardIsThere() ? null : "an NVIDIA card, and npm run build:cuda",
    open: () => new CudaRig(undefined, readFileSync(kernelsPath), { ...shape, ...layer }),
  },
];

test("every kernel agrees with float64, without JavaScript", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  const { emulatedDriver, run } = defined(check);
  expect(run(emulatedDriver, emulatedDriver, 2)).toContain("cases agree with float64");
});

/** Three decode after one long prompt; one computes its prompt around a hole; one is new. */
function mixedStep(): readonly PlanSlice[] {
  const prefix = Array.from({ length: 12 }, (_, index) => 95 - index * 3);
  const decoding = [0, 1, 2].map((index) => ({
    tokenCount: 1,
    positionStart: 195 + index,
    blockTable: Int32Array.from(prefix.concat(1 + index * 3)),
  }));
  const holed = Int32Array.from({ length: 10 }, (_, index) => 31 + index * 3);
  return [
    ...decoding,
    { tokenCount: 40, positionStart: 0, blockTable: holed },
    { tokenCount: 30, positionStart: 120, blockTable: holed },
    { tokenCount: 20, positionStart: 0, blockTable: Int32Array.from([2, 5]) },
  ];
}

/** Small whole numbers over 8: f16 holds them exactly, so the reference sees what the kernel sees. */
function eighths(random: Random, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => random.integer(-16, 16) / 8);
}

/** What every block of a step holds, as if one long sequence had filled them. */
class Contents {
  readonly blocks: Int32Array;
  readonly keys: Float32Array;
  readonly values: Float32Array;

  constructor(slices: readonly PlanSlice[], random: Random) {
    const blocks = slices.flatMap(({ blockTable }) => Array.from(blockTable));
    this.blocks = Int32Array.from(new Set(blocks));
    this.keys = eighths(random, this.tokens * kvHeads * headSize);
    this.values = eighths(random, this.tokens * kvHeads * headSize);
  }

  get tokens(): number {
    return this.blocks.length * blockTokens;
  }

  /** A head's keys or values along a block table. */
  rows(source: Float32Array, table: Int32Array, head: number): Float64Array[] {
    return Array.from({ length: table.length * blockTokens }, (_, position) => {
      const block = this.blocks.indexOf(defined(table[Math.floor(position / blockTokens)]));
      const token = block * blockTokens + (position % blockTokens);
      const at = (token * kvHeads + head) * headSize;
      return Float64Array.from(source.subarray(at, at + headSize));
    });
  }
}

/** The largest difference between a slice's results and the reference's. */
function sliceError(
  contents: Contents,
  slice: PlanSlice,
  queries: Float32Array,
  results: Float32Array,
): number {
  let worst = 0;
  for (let row = 0; row < slice.tokenCount * queryHeads; row++) {
    const head = Math.floor((row % queryHeads) / group);
    const cache = {
      keys: contents.rows(contents.keys, slice.blockTable, head),
      values: contents.rows(contents.values, slice.blockTable, head),
    };
    const query = Float64Array.from(queries.subarray(row * headSize, (row + 1) * headSize));
    const position = slice.positionStart + Math.floor(row / queryHeads);
    const expected = referenceAttention(query, position, cache, layer);
    for (const [dim, value] of expected.entries()) {
      const difference = Math.abs(value - defined(results[row * headSize + dim]));
      worst = difference <= worst ? worst : difference;
    }
  }
  return worst;
}

test.for(machines)("our driver calls and plans: $name", ({ needs, open }, { skip }) => {
  skip(needs !== null, `needs: ${needs}`);
  using rig = open();
  const random = new Random(7);
  const slices = mixedStep();
  const contents = new Contents(slices, random);
  const { blocks, tokens } = contents;
  const all = { tokenCount: tokens, positionStart: 0, blockTable: blocks };
  rig.store(contents.keys, contents.values, rig.plan([all]));
  const plan = rig.plan(slices);
  // Some items read the shared prefix for several sequences at once.
  expect(defined(plan[planHeader.segments])).toBeGreaterThan(defined(plan[planHeader.items]));
  const width = queryHeads * headSize;
  const count = slices.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
  const queries = eighths(random, count * width);
  const results = rig.attend(queries, plan);
  let token = 0;
  for (const slice of slices) {
    const [start, end] = [token * width, (token + slice.tokenCount) * width];
    const error = sliceError(
      contents,
      slice,
      queries.subarray(start, end),
      results.subarray(start, end),
    );
    expect(error).toBeLessThan(errorMax);
    token += slice.tokenCount;
  }
});

test.for(machines)("a corrupt plan is an error: $name", ({ needs, open }, { skip }) => {
  skip(needs !== null, `needs: ${needs}`);
  using rig = open();
  const slices = [{ tokenCount: 1, positionStart: 3, blockTable: Int32Array.from([4]) }];
  const queries = new Float32Array(queryHeads * headSize).fill(1);
  const stored = new Float32Array(4 * kvHeads * headSize).fill(2);
  const good = rig.plan(slices);
  const corrupt = good.slice();
  corrupt[corrupt.lastIndexOf(4)] = shape.blockCount;
  rig.store(stored, stored, rig.plan([{ ...defined(slices[0]), tokenCount: 4, positionStart: 0 }]));
  expect(() => rig.attend(queries, corrupt)).toThrow(/a block lies outside of the pool/);
  for (const value of rig.attend(queries, good)) expect(value).toBeCloseTo(2, 3);
});

test("kernels that are not there, and too much memory, are errors of ours", ({ skip }) => {
  skip(missing !== null, `needs: ${missing}`);
  using driver = new CudaDriver(defined(check).emulatedDriver);
  using stream = driver.createStream();
  using module = driver.loadModule(emulatedKernels);
  const launch = { kernel: "loci_attend_7", gridX: 1, gridY: 1, threads: 32, sharedBytes: 0 };
  const launchIt = (): void => {
    module.launch(launch, new DataView(new ArrayBuffer(8)), stream);
  };
  const codes = [launchIt, () => driver.allocate(2 ** 50)].map((act) => {
    try {
      act();
      return null;
    } catch (error) {
      return error instanceof LociError ? error.code : error;
    }
  });
  expect(codes).toEqual(["native_library_mismatch", "out_of_memory"]);
});
