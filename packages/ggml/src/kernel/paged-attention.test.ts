// The native operators against float64 attention, over random ragged batches: slices of any
// length at any position, scattered and shared blocks, every kind of cache, every instruction set
// this machine has. The pool starts as NaNs, so reading what nobody wrote shows.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random, defined } from "@loci/core";
import type { PlanSlice } from "./attention-plan.ts";
import { type KernelLibrary, isaNames, loadKernelLibrary } from "./kernel-library.ts";
import type { KvType } from "./kv-layout.ts";
import { headerInts, planHeader } from "./plan-layout.ts";
import { KernelTestbed, type TestbedOptions } from "./testing/kernel-testbed.ts";
import { referenceAttention } from "./testing/reference-attention.ts";

const library = loadKernelLibrary();
const isas = isaNames.filter((isa) => library?.loadOnly(isa));

/** A sequence: what it takes over from the one before it, what is cached, what is new. */
interface Sequence {
  readonly sharedBlocks: number;
  readonly cachedTokens: number;
  readonly chunks: readonly number[];
}

interface Scenario extends TestbedOptions {
  readonly sequences: readonly Sequence[];
  readonly seed: number;
  /** The largest magnitude of queries, keys and values. */
  readonly amplitude: number;
}

const contextTokensMax = 512;

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  headSize: fc.constantFrom(16, 32, 48, 64, 80, 96, 128, 256),
  kvHeads: fc.integer({ min: 1, max: 3 }),
  queryHeadsPerKvHead: fc.constantFrom(1, 2, 3, 4, 7, 8, 16),
  blockTokens: fc.constantFrom(16, 32, 64),
  blockCount: fc.constant(160),
  keyType: fc.constantFrom<KvType>("f16", "q8_0", "f32"),
  valueType: fc.constantFrom<KvType>("f16", "q8_0", "f32"),
  softCap: fc.constantFrom(0, 0, 5, 50),
  slidingWindow: fc.constantFrom(0, 0, 1, 20, 100),
  threads: fc.integer({ min: 1, max: 4 }),
  contextTokensMax: fc.constant(contextTokensMax),
  stepTokensMax: fc.constant(512),
  sequences: fc.array(
    fc.record({
      sharedBlocks: fc.integer({ min: 0, max: 8 }),
      cachedTokens: fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 300 })),
      chunks: fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 30 })), {
        minLength: 1,
        maxLength: 2,
      }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  seed: fc.nat(),
  amplitude: fc.constantFrom(0.01, 1, 8),
});

/** A sequence laid out in blocks; its slices are its chunks, in order. */
interface Layout {
  readonly table: Int32Array;
  readonly cached: number;
  readonly slices: readonly PlanSlice[];
}

/** Block tables over shuffled blocks; a sequence may begin with its predecessor's whole blocks. */
function layOut(scenario: Scenario): Layout[] {
  const random = new Random(scenario.seed);
  const free = Array.from({ length: scenario.blockCount }, (_, index) => index);
  for (let i = free.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [free[i], free[j]] = [defined(free[j]), defined(free[i])];
  }
  const layouts: Layout[] = [];
  for (const { sharedBlocks, cachedTokens, chunks } of scenario.sequences) {
    const before = layouts.at(-1);
    const wholeBefore = before ? Math.floor(before.cached / scenario.blockTokens) : 0;
    const shared = Math.min(sharedBlocks, wholeBefore);
    const cached = Math.max(cachedTokens, shared * scenario.blockTokens);
    const length = cached + chunks.reduce((sum, count) => sum + count, 0);
    const table = new Int32Array(Math.ceil(length / scenario.blockTokens));
    for (let i = 0; i < table.length; i++) {
      table[i] = i < shared ? defined(before?.table[i]) : defined(free.pop(), "blocks left");
    }
    let positionStart = cached;
    const slices = chunks.map((tokenCount) => {
      const slice = { tokenCount, positionStart, blockTable: table };
      positionStart += tokenCount;
      return slice;
    });
    layouts.push({ table, cached, slices });
  }
  return layouts;
}

/** Slices that write the cached part, whose results nobody reads. */
function cachedSlices(layouts: readonly Layout[]): PlanSlice[] {
  return layouts
    .filter(({ cached }) => cached > 0)
    .map(({ cached, table }) => ({ tokenCount: cached, positionStart: 0, blockTable: table }));
}

function randomRows(random: Random, count: number, amplitude: number): Float32Array {
  return Float32Array.from({ length: count }, () => (random.next() * 2 - 1) * amplitude);
}

function tokensOf(slices: readonly PlanSlice[]): number {
  return slices.reduce((sum, slice) => sum + slice.tokenCount, 0);
}

function writeTokens(bed: KernelTestbed, slices: readonly PlanSlice[], random: Random): void {
  const { headSize, kvHeads } = bed.options;
  for (const slice of slices) {
    const floats = slice.tokenCount * kvHeads * headSize;
    bed.write(randomRows(random, floats, 1), randomRows(random, floats, 1), bed.plan([slice]));
  }
}

/** Rows of a slice to compare: the first, the last and some between. */
function sampleRows(count: number): Set<number> {
  const rows = new Set([count - 1]);
  for (let row = 0; row < count; row += Math.ceil(count / 8)) rows.add(row);
  return rows;
}

/** The largest error of the rows compared, relative to the largest value of each. */
function worstError(
  bed: KernelTestbed,
  slices: readonly PlanSlice[],
  rows: { readonly queries: Float32Array; readonly result: Float32Array },
): number {
  const { headSize, kvHeads, queryHeadsPerKvHead: group, blockTokens } = bed.options;
  let worst = 0;
  let offset = 0;
  for (const { tokenCount, positionStart, blockTable } of slices) {
    for (let head = 0; head < kvHeads; head++) {
      const places = Array.from({ length: positionStart + tokenCount }, (_, position) => ({
        block: defined(blockTable[Math.floor(position / blockTokens)]),
        layer: 1,
        head,
        token: position % blockTokens,
      }));
      const keys = places.map((place) => bed.reader.key(place));
      const values = places.map((place) => bed.reader.value(place));
      for (const row of sampleRows(tokenCount * group)) {
        const token = Math.floor(row / group);
        const queryHead = head * group + (row % group);
        const start = ((offset + token) * kvHeads * group + queryHead) * headSize;
        const query = Float64Array.from(rows.queries.subarray(start, start + headSize));
        const options = { ...bed.options, scale: bed.scale };
        const expected = referenceAttention(
          query,
          positionStart + token,
          { keys, values },
          options,
        );
        const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        for (const [dim, value] of expected.entries()) {
          const error = Math.abs(value - defined(rows.result[start + dim])) / largest;
          worst = error <= worst ? worst : error;
        }
      }
    }
    offset += tokenCount;
  }
  return worst;
}

function errorOf(kernel: KernelLibrary, scenario: Scenario): number {
  using bed = new KernelTestbed(kernel, scenario);
  const random = new Random(scenario.seed + 1);
  const layouts = layOut(scenario);
  writeTokens(bed, cachedSlices(layouts), random);
  const slices = layouts.flatMap((layout) => layout.slices);
  const { headSize, kvHeads, queryHeadsPerKvHead } = scenario;
  const floats = tokensOf(slices) * kvHeads * headSize;
  const plan = bed.plan(slices);
  const { amplitude } = scenario;
  bed.write(randomRows(random, floats, amplitude), randomRows(random, floats, amplitude), plan);
  const queries = randomRows(random, floats * queryHeadsPerKvHead, amplitude);
  const result = bed.attend(queries, plan);
  expect(kernel.lastError()).toBeNull();
  return worstError(bed, slices, { queries, result });
}

test("the kernel was built, for at least one instruction set", () => {
  expect(library).not.toBeNull();
  expect(isas).toContain(library?.isa);
  expect(isas).toContain("baseline");
});

describe.each(isas)("paged attention on %s", (isa) => {
  const kernel = defined(library?.loadOnly(isa));

  test("agrees with float64 attention on ragged batches", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        expect(errorOf(kernel, scenario)).toBeLessThan(1e-3);
      }),
      { numRuns: 40, seed: 7 },
    );
  });

  const small: Scenario = {
    headSize: 32,
    kvHeads: 2,
    queryHeadsPerKvHead: 3,
    blockTokens: 16,
    blockCount: 160,
    keyType: "f16",
    valueType: "q8_0",
    softCap: 0,
    slidingWindow: 0,
    threads: 3,
    contextTokensMax,
    stepTokensMax: 512,
    sequences: [
      { sharedBlocks: 0, cachedTokens: 200, chunks: [1] },
      { sharedBlocks: 12, cachedTokens: 192, chunks: [1] },
      { sharedBlocks: 12, cachedTokens: 230, chunks: [40, 3] },
    ],
    seed: 1,
    amplitude: 1,
  };

  test("agrees when a long context is cut and a prefix is shared", () => {
    const sequences = Array.from({ length: 5 }, () => ({
      sharedBlocks: 22,
      cachedTokens: 380,
      chunks: [1],
    }));
    for (const threads of [1, 4]) {
      const scenario = { ...small, blockCount: 80, queryHeadsPerKvHead: 7, threads, sequences };
      expect(errorOf(kernel, scenario)).toBeLessThan(1e-3);
    }
  });

  test("gives finite rows whatever the queries, keys and values are", () => {
    using bed = new KernelTestbed(kernel, { ...small, keyType: "f32", valueType: "f16" });
    const wild = [Number.NaN, Infinity, -Infinity, 3e38, -3e38, 1e-40, 0];
    const random = new Random(3);
    const rows = (count: number): Float32Array =>
      Float32Array.from({ length: count }, () => wild[random.integer(0, 6)] ?? 0);
    const slice = { tokenCount: 50, positionStart: 0, blockTable: Int32Array.of(3, 1, 2, 0) };
    const plan = bed.plan([slice]);
    bed.write(rows(50 * 2 * 32), rows(50 * 2 * 32), plan);
    const result = bed.attend(rows(50 * 6 * 32), plan);
    expect(result.every((value) => Number.isFinite(value))).toBe(true);
  });

  test("blanks the rows of the result that the plan has no tokens for", () => {
    using bed = new KernelTestbed(kernel, small);
    const slice = { tokenCount: 2, positionStart: 0, blockTable: Int32Array.of(7) };
    const plan = bed.plan([slice]);
    const ones = new Float32Array(2 * 2 * 32).fill(1);
    bed.write(ones, ones, plan);
    const result = bed.attend(new Float32Array(5 * 6 * 32).fill(1), plan);
    expect(result.subarray(0, 2 * 6 * 32).every((value) => Math.abs(value - 1) < 1e-2)).toBe(true);
    expect(result.subarray(2 * 6 * 32).every((value) => value === 0)).toBe(true);
  });

  test("computes with more threads than the workspace has room for", () => {
    using bed = new KernelTestbed(kernel, small);
    const slice = { tokenCount: 2, positionStart: 0, blockTable: Int32Array.of(7) };
    const plan = bed.plan([slice]);
    const ones = new Float32Array(2 * 2 * 32).fill(1);
    bed.write(ones, ones, plan);
    const queries = new Float32Array(2 * 6 * 32).fill(1);
    expect(bed.attend(queries, plan, 8)).toEqual(bed.attend(queries, plan, 1));
  });

  test("a corrupt plan gives zeros and an error, or a result; never a crash", () => {
    using bed = new KernelTestbed(kernel, small);
    const random = new Random(11);
    const layouts = layOut(small);
    writeTokens(bed, cachedSlices(layouts), random);
    const slices = layouts.flatMap((layout) => layout.slices);
    const plan = bed.plan(slices);
    const tokens = tokensOf(slices);
    bed.write(randomRows(random, tokens * 64, 1), randomRows(random, tokens * 64, 1), plan);
    const queries = randomRows(random, tokens * 192, 1);
    const sound = bed.attend(queries, plan);
    let refused = 0;
    for (let run = 0; run < 400; run++) {
      const corrupt = plan.slice();
      const wild = [random.integer(-2, 40), random.integer(-(2 ** 31), 2 ** 31 - 1), plan.length];
      for (let change = random.integer(1, 3); change > 0; change--) {
        const header = random.next() < 0.3;
        const at = random.integer(0, (header ? headerInts : corrupt.length) - 1);
        corrupt[at] = defined(wild[random.integer(0, 2)]);
      }
      bed.write(new Float32Array(tokens * 64), new Float32Array(tokens * 64), plan);
      const result = bed.attend(queries, corrupt);
      if (kernel.lastError() === null) continue;
      refused++;
      expect(result.every((value) => value === 0)).toBe(true);
    }
    expect(refused).toBeGreaterThan(100);
    // Nothing of it lingers.
    const random2 = new Random(11);
    writeTokens(bed, cachedSlices(layouts), random2);
    bed.write(randomRows(random2, tokens * 64, 1), randomRows(random2, tokens * 64, 1), plan);
    expect(bed.attend(queries, plan)).toEqual(sound);
    expect(kernel.lastError()).toBeNull();
  });

  test("refuses to write tokens outside of the pool", () => {
    using bed = new KernelTestbed(kernel, small);
    const plan = bed.plan([{ tokenCount: 1, positionStart: 0, blockTable: Int32Array.of(0) }]);
    plan[defined(plan[planHeader.tokensAt])] = small.blockCount * small.blockTokens;
    bed.write(new Float32Array(64), new Float32Array(64), plan);
    expect(kernel.lastError()).toContain("outside of the pool");
  });

  test("copies the first tokens of a block and nothing it must not", () => {
    fc.assert(
      fc.property(
        fc.constantFrom<KvType>("f16", "q8_0", "f32"),
        fc.constantFrom(16, 48, 64),
        fc.integer({ min: 0, max: 32 }),
        (type, headSize, tokens) => {
          const types = { keyType: type, valueType: type, headSize, blockTokens: 32 };
          using bed = new KernelTestbed(kernel, { ...small, ...types, blockCount: 4 });
          const random = new Random(tokens);
          const slice = { tokenCount: 32, positionStart: 0, blockTable: Int32Array.of(2) };
          writeTokens(bed, [slice], random);
          const before = new Uint8Array(bed.pool.slice(0));
          bed.copyBlock(2, 1, tokens);
          for (let token = 0; token < tokens; token++) {
            for (let head = 0; head < 2; head++) {
              const source = { block: 2, layer: 1, head, token };
              const target = { ...source, block: 1 };
              expect(bed.reader.key(target)).toEqual(bed.reader.key(source));
              expect(bed.reader.value(target)).toEqual(bed.reader.value(source));
            }
          }
          const after = new Uint8Array(bed.pool);
          const { blockBytes } = bed.layout;
          for (const block of [0, 2, 3]) {
            const range = [block * blockBytes, (block + 1) * blockBytes] as const;
            expect(Buffer.compare(after.subarray(...range), before.subarray(...range))).toBe(0);
          }
        },
      ),
      { numRuns: 25, seed: 2 },
    );
  });
});
