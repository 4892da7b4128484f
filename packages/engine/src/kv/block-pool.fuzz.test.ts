// The pool against a map from block to holders.

import { AssertionError, defined, Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { BlockPool } from "./block-pool.ts";

function check(pool: BlockPool, model: ReadonlyMap<number, number>): void {
  expect(pool.freeCount).toBe(pool.blockCount - model.size);
  for (let block = 0; block < pool.blockCount; block++) {
    expect(pool.references(block)).toBe(model.get(block) ?? 0);
  }
  pool.checkIntegrity();
}

describe("BlockPool", () => {
  it("counts holders like a map does", () => {
    const random = new Random(1);
    const pool = new BlockPool(20);
    const model = new Map<number, number>();
    for (let step = 0; step < 100_000; step++) {
      const held = [...model.keys()];
      const block = held[random.integer(0, held.length)];
      const action = random.integer(0, 3);
      if (action === 0 || block === undefined) {
        const fresh = pool.tryAllocate();
        if ((fresh === null) !== (model.size === 20)) throw new Error("a full pool has no block");
        if (fresh !== null && model.has(fresh)) throw new Error("a block has two owners");
        if (fresh !== null) model.set(fresh, 1);
      } else if (action === 1) {
        pool.share(block);
        model.set(block, defined(model.get(block)) + 1);
      } else {
        pool.release(block);
        const holders = defined(model.get(block)) - 1;
        if (holders === 0) model.delete(block);
        else model.set(block, holders);
      }
      if (step % 5000 === 0) check(pool, model);
    }
    check(pool, model);
    expect(model.size).toBeGreaterThan(0);
  });

  it("orders a copy into a fresh block", () => {
    const pool = new BlockPool(2);
    const source = defined(pool.tryAllocate());
    expect(pool.tryCopy(source, 3)).toEqual({ source, target: 1 - source, tokens: 3 });
    expect(pool.tryCopy(source, 3)).toBeNull();
    expect(pool.references(source)).toBe(1);
  });

  it("refuses what would give a block two owners", () => {
    const pool = new BlockPool(2);
    const block = defined(pool.tryAllocate());
    pool.release(block);
    for (const action of [
      () => pool.release(block),
      () => pool.share(block),
      () => pool.tryCopy(block, 1),
      () => pool.references(2),
      () => new BlockPool(0),
    ]) {
      expect(action).toThrow(AssertionError);
    }
  });
});
