// Launches for plans of the real planner: every item and every cut tile is in one launch, and no kernel
// gets an item with more rows than it takes.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defined } from "@loci/core";
import { planAttention, type PlanSlice } from "../kernel/attention-plan.ts";
import { planHeader } from "../kernel/plan-layout.ts";
import { attentionLaunches } from "./attention-launches.ts";
import { attentionKernel, cudaCuts, kernelRowsFor, rowsPerTile } from "./kernel-sizes.ts";

const capacity = { ints: 60_000, tiles: 2048, segments: 8192, slotRows: 20_000 };
const heads = { headSize: 128, type: "f16" } as const;
const hopperSharedBytes = 227 * 1024;
const adaSharedBytes = 99 * 1024;

interface Step {
  readonly slices: readonly PlanSlice[];
  readonly group: number;
  readonly sharedBytesMax: number;
}

/** Slices whose tables begin alike, so that walks are shared. */
const steps: fc.Arbitrary<Step> = fc
  .record({
    contexts: fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 12 }),
    tokenCount: fc.constantFrom(1, 1, 2, 40, 300),
    group: fc.constantFrom(1, 4, 8, 16),
    sharedBytesMax: fc.constantFrom(hopperSharedBytes, adaSharedBytes),
    sharedBlocks: fc.integer({ min: 0, max: 40 }),
  })
  .map(({ contexts, tokenCount, sharedBlocks, group, sharedBytesMax }) => ({
    group,
    sharedBytesMax,
    slices: contexts.map((positionStart, index) => ({
      tokenCount,
      positionStart,
      blockTable: Int32Array.from({ length: 210 }, (_, block) =>
        block < sharedBlocks ? block : index * 210 + block,
      ),
    })),
  }));

function planOf({ slices, group, sharedBytesMax }: Step): Int32Array {
  const target = new Int32Array(capacity.ints);
  const shape = { blockTokens: 16, queryHeadsPerKvHead: group, kvHeads: 8, threads: 2, capacity };
  const rows = rowsPerTile(heads, sharedBytesMax);
  const used = planAttention(slices, { ...shape, rowsPerTile: rows, cuts: cudaCuts }, target);
  return target.subarray(0, used);
}

function rowsOfItem(plan: Int32Array, item: number): number {
  const field = (name: keyof typeof planHeader): number => defined(plan[planHeader[name]]);
  const [first, count] = plan.subarray(field("itemsAt") + item * 6);
  const segments = Array.from({ length: defined(count) }, (_, index) => defined(first) + index);
  return segments.reduce((sum, segment) => {
    const tile = defined(plan[field("segmentsAt") + segment * 2]);
    return sum + defined(plan[field("tilesAt") + tile * 6 + 3]);
  }, 0);
}

test("every item is launched once, by the smallest kernel that takes it", () => {
  const property = fc.property(steps, (step) => {
    const plan = planOf(step);
    const { work, attend, store } = attentionLaunches(plan, { ...heads, kvHeads: 8 });
    const tokens = step.slices.reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    expect(store.gridX * 4).toBeGreaterThanOrEqual(tokens * 8);
    const items = attend
      .filter(({ kernel }) => kernel.startsWith("loci_attend"))
      .flatMap((launch) => {
        const list = Array.from(work.subarray(launch.workStart, launch.workStart + launch.gridX));
        for (const item of list) {
          const rows = kernelRowsFor(rowsOfItem(plan, item));
          expect(launch.kernel).toBe(`loci_attend_128_f16_${rows}`);
        }
        expect(launch.sharedBytes).toBeLessThanOrEqual(step.sharedBytesMax);
        return list;
      });
    const known = Array.from({ length: defined(plan[planHeader.items]) }, (_, item) => item);
    expect(items.toSorted((left, right) => left - right)).toEqual(known);
    const joined = attend.filter(({ kernel }) => kernel.startsWith("loci_join"));
    expect(attend.slice(0, -1)).not.toContain(joined[0]);
    expect(joined.length > 0).toBe(defined(plan[planHeader.slotRows]) > 0);
  });
  fc.assert(property, { numRuns: 60, seed: 1 });
});

test("one long sequence is cut so that it fills a card; a full batch is not cut to crumbs", () => {
  const table = Int32Array.from({ length: 2048 }, (_, block) => block);
  const slice = (index: number): PlanSlice => ({
    tokenCount: 1,
    positionStart: 32_000,
    blockTable: table.map((block) => block + index * 2048),
  });
  const width = (count: number): number => {
    const slices = Array.from({ length: count }, (_, index) => slice(index));
    const plan = planOf({ slices, group: 4, sharedBytesMax: hopperSharedBytes });
    return defined(attentionLaunches(plan, { ...heads, kvHeads: 8 }).attend[0]).gridX;
  };
  expect(width(1)).toBe(32);
  expect(width(8)).toBe(8 * 32);
});

test("sizes are those of tile-shape.h", () => {
  // queries 128 x 272, two keys and two values of 64 x 272, 8 block ids, targets, positions
  expect(attentionKernel(heads, 128)).toEqual({
    kernel: "loci_attend_128_f16_128",
    threads: 128,
    sharedBytes: 128 * 272 + 4 * 64 * 272 + 8 * 4 + 128 * 8 + 128 * 4,
  });
  // bytes and scales wait twice, rows once
  expect(attentionKernel({ headSize: 256, type: "q8_0" }, 16)).toEqual({
    kernel: "loci_attend_256_q8_0_16",
    threads: 64,
    sharedBytes: 16 * 528 + 4 * 32 * (256 + 16) + 2 * 32 * 528 + 4 * 4 + 16 * 8 + 16 * 4,
  });
});

test("cards with less shared memory get smaller tiles; other heads are refused", () => {
  expect(rowsPerTile(heads, hopperSharedBytes)).toBe(128);
  expect(rowsPerTile(heads, adaSharedBytes)).toBe(64);
  expect(rowsPerTile({ headSize: 256, type: "f16" }, hopperSharedBytes)).toBe(64);
  expect(rowsPerTile({ headSize: 256, type: "f16" }, adaSharedBytes)).toBe(16);
  expect(() => rowsPerTile({ headSize: 72, type: "f16" }, adaSharedBytes)).toThrow(
    /not_supported|72/,
  );
});
