import * as fc from "fast-check";
import { expect, test } from "vitest";
import { defined } from "@loci/core";
import { type BlockReader, findSharedRanges } from "./shared-blocks.ts";

const readers = fc.array(
  fc
    .record({
      blocks: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 8 }),
      hidden: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ blocks, hidden }) => ({
      blockTable: Int32Array.from(blocks),
      blocksWhole: Math.max(0, blocks.length - hidden),
    })),
  { maxLength: 8 },
);

test("ranges are shared by all their readers, seen in full, and follow each other", () => {
  fc.assert(
    fc.property(readers, fc.integer({ min: 1, max: 3 }), (all, blocksMin) => {
      const ends = new Map<number, number>();
      for (const { readers: members, blockStart, blockEnd } of findSharedRanges(all, blocksMin)) {
        expect(members.length).toBeGreaterThan(1);
        expect(blockEnd - blockStart).toBeGreaterThanOrEqual(blocksMin);
        const prefixes = members.map((member) => {
          const reader = defined(all[member]);
          expect(blockEnd).toBeLessThanOrEqual(reader.blocksWhole);
          expect(ends.get(member) ?? 0).toBe(blockStart);
          ends.set(member, blockEnd);
          return reader.blockTable.subarray(0, blockEnd).join(",");
        });
        expect(new Set(prefixes).size).toBe(1);
      }
    }),
    { seed: 5 },
  );
});

function table(...blocks: number[]): BlockReader {
  return { blockTable: Int32Array.from(blocks), blocksWhole: blocks.length };
}

test("a tree of sharing becomes one range per branch", () => {
  const all = [table(1, 2, 3, 4), table(1, 2, 3, 5), table(1, 2, 6), table(9, 2)];
  expect(findSharedRanges(all, 1)).toEqual([
    { readers: [0, 1, 2], blockStart: 0, blockEnd: 2 },
    { readers: [0, 1], blockStart: 2, blockEnd: 3 },
  ]);
});
