// Every (query row, visible block) is walked exactly once, whatever the batch; partial results
// have places of their own; the plan stays within its capacity.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defined } from "@loci/core";
import { type PlanOptions, type PlanSlice, planAttention } from "./attention-plan.ts";
import {
  attentionPlanCapacity,
  itemInts,
  planHeader,
  segmentInts,
  tileInts,
  tileRowsMax,
} from "./plan-layout.ts";

interface Batch {
  readonly slices: readonly PlanSlice[];
  readonly options: PlanOptions;
}

const limits = { stepTokensMax: 4096, stepSlicesMax: 64, contextTokensMax: 4096 };

/** Tables that start with one of a few runs of blocks, then have blocks of their own. */
const batches: fc.Arbitrary<Batch> = fc
  .record({
    blockTokens: fc.constantFrom(16, 32, 64),
    queryHeadsPerKvHead: fc.constantFrom(1, 2, 4, 7, 16),
    kvHeads: fc.integer({ min: 1, max: 8 }),
    threads: fc.integer({ min: 1, max: 8 }),
    sequences: fc.array(
      fc.record({
        family: fc.integer({ min: 0, max: 2 }),
        familyBlocks: fc.integer({ min: 0, max: 30 }),
        positionStart: fc.integer({ min: 0, max: 3000 }),
        tokenCount: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 60 })),
      }),
      { minLength: 1, maxLength: 40 },
    ),
  })
  .map(({ sequences, ...shape }) => {
    let nextBlock = 1000;
    const slices = sequences.map(({ family, familyBlocks, positionStart, tokenCount }) => {
      const length = Math.ceil((positionStart + tokenCount) / shape.blockTokens);
      const blockTable = Int32Array.from({ length }, (_, block) =>
        block < familyBlocks ? family * 300 + block : nextBlock++,
      );
      return { tokenCount, positionStart, blockTable };
    });
    return {
      slices,
      options: { ...shape, capacity: attentionPlanCapacity({ ...limits, ...shape }) },
    };
  });

class ReadPlan {
  readonly ints: Int32Array;

  constructor({ slices, options }: Batch) {
    const target = new Int32Array(options.capacity.ints).fill(-7);
    this.ints = target.subarray(0, planAttention(slices, options, target));
  }

  header(name: keyof typeof planHeader): number {
    return defined(this.ints[planHeader[name]]);
  }

  record(name: "tiles" | "items" | "segments", index: number): readonly number[] {
    const width = { tiles: tileInts, items: itemInts, segments: segmentInts }[name];
    const at = this.header(`${name}At`) + index * width;
    return [...this.ints.subarray(at, at + width)];
  }

  records(name: "tiles" | "items"): readonly (readonly number[])[] {
    return Array.from({ length: this.header(name) }, (_, index) => this.record(name, index));
  }
}

/** Per slice: how often each (row, block of the table) is walked. */
function countWalks(plan: ReadPlan, { slices, options }: Batch): Uint8Array[] {
  const group = options.queryHeadsPerKvHead;
  const counts = slices.map((slice) => {
    return new Uint8Array(slice.tokenCount * group * slice.blockTable.length);
  });
  const firstTokens = slices.map((_, index) => {
    return slices.slice(0, index).reduce((sum, slice) => sum + slice.tokenCount, 0);
  });
  const mismatches: string[] = [];
  for (const [segment, count, table, blockStart, blockEnd] of plan.records("items")) {
    for (let s = defined(segment); s < defined(segment) + defined(count); s++) {
      const [tile] = plan.record("segments", s);
      const [start, position, rowStart, rows] = plan.record("tiles", defined(tile));
      const index = firstTokens.indexOf(defined(start));
      const { positionStart, blockTable } = defined(slices[index]);
      if (position !== positionStart) mismatches.push(`position of tile ${tile}`);
      for (let block = defined(blockStart); block < defined(blockEnd); block++) {
        // The item reads the blocks of one table; they must be this tile's too.
        const id = plan.ints[defined(table) + block];
        if (id !== blockTable[block]) mismatches.push(`block ${block} of tile ${tile}`);
        for (let row = defined(rowStart); row < defined(rowStart) + defined(rows); row++) {
          const at = row * blockTable.length + block;
          defined(counts[index])[at] = (defined(counts[index])[at] ?? 0) + 1;
        }
      }
    }
  }
  expect(mismatches).toEqual([]);
  return counts;
}

/** Block ranges that the tiles of the first slice are walked over in, by tile. */
function rangesOfFirst(plan: ReadPlan): readonly string[] {
  const ranges = plan.records("items").flatMap(([segment, count, , blockStart, blockEnd]) =>
    Array.from({ length: defined(count) }, (_, index) => {
      const [tile] = plan.record("segments", defined(segment) + index);
      const [start, , rowStart] = plan.record("tiles", defined(tile));
      return start === 0 ? `${rowStart}: ${blockStart} to ${blockEnd}` : "";
    }),
  );
  return ranges.filter((range) => range !== "").toSorted();
}

/** A row must be walked over every block it sees, and may be over later ones of its tile. */
function wrongCounts(counts: readonly Uint8Array[], { slices, options }: Batch): number {
  let wrong = 0;
  for (const [index, { tokenCount, positionStart, blockTable }] of slices.entries()) {
    for (let row = 0; row < tokenCount * options.queryHeadsPerKvHead; row++) {
      const last = positionStart + Math.floor(row / options.queryHeadsPerKvHead);
      for (let block = 0; block < blockTable.length; block++) {
        const count = defined(counts[index])[row * blockTable.length + block] ?? 0;
        const seen = block * options.blockTokens <= last;
        if (seen ? count !== 1 : count > 1) wrong++;
      }
    }
  }
  return wrong;
}

describe("planAttention", () => {
  test("walks every visible block of every row exactly once", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        expect(wrongCounts(countWalks(new ReadPlan(batch), batch), batch)).toBe(0);
      }),
      { numRuns: 25, seed: 3 },
    );
  });

  test("cuts the walks of a slice alike, whoever else is in the step", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const [first] = batch.slices;
        const slice = {
          ...defined(first),
          blockTable: defined(first).blockTable.map((id) => -1 - id),
        };
        const alone = { ...batch, slices: [slice] };
        const beside = { ...batch, slices: [slice, ...batch.slices.slice(1, 12)] };
        expect(rangesOfFirst(new ReadPlan(beside))).toEqual(rangesOfFirst(new ReadPlan(alone)));
      }),
      { numRuns: 50, seed: 5 },
    );
  });

  test("gives every partial result a place of its own, in the order of blocks", () => {
    fc.assert(
      fc.property(batches, (batch) => {
        const plan = new ReadPlan(batch);
        const taken = new Set<number>();
        const parts = new Map<number, { slot: number; blockStart: number }[]>();
        for (const [segment, count, , blockStart] of plan.records("items")) {
          let rows = 0;
          for (let s = defined(segment); s < defined(segment) + defined(count); s++) {
            const [tile, slot] = plan.record("segments", s);
            rows += defined(plan.record("tiles", defined(tile))[3]);
            const known = parts.get(defined(tile)) ?? [];
            known.push({ slot: defined(slot), blockStart: defined(blockStart) });
            parts.set(defined(tile), known);
          }
          expect(rows).toBeLessThanOrEqual(tileRowsMax);
        }
        for (const [index, [, , , rows, slotsAt, slotCount]] of plan.records("tiles").entries()) {
          const known = defined(parts.get(index)).toSorted((a, b) => a.blockStart - b.blockStart);
          const slots = known.map((part) => part.slot);
          const start = defined(slotsAt);
          const listed = [...plan.ints.subarray(start, start + defined(slotCount))];
          expect(slots).toEqual(slotCount === 0 ? [-1] : listed);
          if (slotCount === 0) continue;
          for (const slot of slots) {
            for (let row = slot; row < slot + defined(rows); row++) {
              expect(taken.has(row)).toBe(false);
              taken.add(row);
            }
          }
        }
        expect(taken.size).toBe(plan.header("slotRows"));
        expect(taken.size).toBeLessThanOrEqual(batch.options.capacity.slotRows);
      }),
      { numRuns: 60, seed: 4 },
    );
  });

  test("keeps a full step of decodes and of prefill within the capacity", () => {
    const shape = { blockTokens: 32, queryHeadsPerKvHead: 7, kvHeads: 2, threads: 4 };
    const options = { ...shape, capacity: attentionPlanCapacity({ ...limits, ...shape }) };
    const table = Int32Array.from({ length: 128 }, (_, index) => index);
    const decode = Array.from({ length: 64 }, () => ({
      tokenCount: 1,
      positionStart: 4095,
      blockTable: table,
    }));
    const prefill = [{ tokenCount: 4096, positionStart: 0, blockTable: table }];
    for (const slices of [decode, prefill]) {
      const plan = new ReadPlan({ slices, options });
      expect(plan.header("items")).toBeGreaterThanOrEqual(options.threads);
    }
  });

  test("reads a prefix that many decodes share once for all of them", () => {
    const shape = { blockTokens: 32, queryHeadsPerKvHead: 7, kvHeads: 2, threads: 4 };
    const options = { ...shape, capacity: attentionPlanCapacity({ ...limits, ...shape }) };
    const slices = Array.from({ length: 12 }, (_, sequence) => ({
      tokenCount: 1,
      positionStart: 1023,
      blockTable: Int32Array.from({ length: 32 }, (__, block) =>
        block < 16 ? block : 1000 + sequence * 32 + block,
      ),
    }));
    const items = new ReadPlan({ slices, options }).records("items");
    const readsOfPrefix = items.filter(([, , , blockStart]) => defined(blockStart) < 16);
    // 84 rows fit one pass; it may be cut into ranges of blocks.
    const blocks = readsOfPrefix.reduce(
      (sum, item) => sum + defined(item[4]) - defined(item[3]),
      0,
    );
    expect(blocks).toBe(16);
    expect(readsOfPrefix.every(([, count]) => count === 12)).toBe(true);
  });

  test("refuses a slice whose table ends before its last token", () => {
    const shape = { blockTokens: 32, queryHeadsPerKvHead: 1, kvHeads: 1, threads: 1 };
    const options = { ...shape, capacity: attentionPlanCapacity({ ...limits, ...shape }) };
    const slice = { tokenCount: 2, positionStart: 31, blockTable: new Int32Array(1) };
    const target = new Int32Array(options.capacity.ints);
    expect(() => planAttention([slice], options, target)).toThrow("block table");
  });
});
