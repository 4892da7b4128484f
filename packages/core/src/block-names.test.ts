import * as fc from "fast-check";
import { expect, test } from "vitest";

import { blockName, blockNames, rootBlockName } from "./block-names.ts";

const promptOf = (length: number, seed: number): Int32Array =>
  Int32Array.from({ length }, (_, index) => Math.imul(index + seed, 0x2545f491) >>> 12);

test("a prompt's names chain from its salt, block by block", () => {
  const tokens = promptOf(119, 1);
  const names = blockNames("tenant", tokens, 16);
  expect(names).toHaveLength(7);
  expect(blockNames("tenant", tokens.subarray(0, 100), 16)).toEqual(names.subarray(0, 6));
  let name = rootBlockName("tenant");
  for (const [index, expected] of names.entries()) {
    name = blockName(name, tokens, index * 16, index * 16 + 16);
    expect(name).toBe(expected);
    expect(Number.isSafeInteger(name)).toBe(true);
  }
});

test("equal prefixes have equal names, and the first difference changes all that follow", () => {
  fc.assert(
    fc.property(fc.nat({ max: 63 }), fc.nat(), (place, seed) => {
      const one = promptOf(64, seed);
      const other = one.slice();
      other[place] = (one[place] ?? 0) ^ 1;
      const first = blockNames("a", one, 8);
      const second = blockNames("a", other, 8);
      const differs = Math.floor(place / 8);
      for (let block = 0; block < 8; block++) {
        expect(first[block] === second[block]).toBe(block < differs);
      }
      expect(blockNames("b", one, 8)[0]).not.toBe(first[0]);
    }),
    { seed: 7, numRuns: 200 },
  );
});

test("a million blocks of similar content have a million names", () => {
  const names = new Set<number>();
  const root = rootBlockName("");
  for (let index = 0; index < 1_000_000; index++) {
    names.add(blockName(root, Int32Array.of(index & 1023, index >> 10, 5, 5), 0, 4));
  }
  expect(names.size).toBe(1_000_000);
});
