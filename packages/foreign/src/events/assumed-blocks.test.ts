import { blockNames, Random } from "@loci/core";
import type { KvEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { AssumedBlocks } from "./assumed-blocks.ts";

const blockTokens = 4;

function namesOf(tokens: readonly number[]): Float64Array {
  return blockNames("", Int32Array.from(tokens), blockTokens);
}

/** Applies what is told, as a router would. */
class Mirror {
  readonly held: Set<number> = new Set();
  readonly blocks: AssumedBlocks;

  constructor(blocksMax: number) {
    const apply = (event: KvEvent): void => {
      if (event.type === "cleared") return;
      for (const name of event.blocks) {
        if (event.type === "stored") this.held.add(name);
        else this.held.delete(name);
      }
    };
    this.blocks = new AssumedBlocks({
      blocksMax,
      onEvents: (events) => {
        for (const event of events) apply(event);
      },
    });
  }
}

describe("AssumedBlocks", () => {
  it("holds what was used, and tells all of it", () => {
    const random = new Random(3);
    const { blocks, held } = new Mirror(20);
    for (let step = 0; step < 500; step++) {
      const length = random.integer(1, 30);
      const names = namesOf(Array.from({ length }, () => random.integer(0, 1)));
      blocks.used(names);
      expect(blocks.heldOf(names)).toBe(names.length);
      if (random.next() < 0.2) blocks.found(random.integer(0, 4), random.integer(0, 4));
      blocks.checkIntegrity();
      expect(new Set(blocks.held().flatMap((one) => Array.from(one.blocks)))).toEqual(held);
    }
  });

  it("gives up the least recently used, ends before beginnings", () => {
    const { blocks } = new Mirror(4);
    const [first, second] = [namesOf([1, 1, 1, 1, 2, 2, 2, 2]), namesOf(Array(12).fill(5))];
    blocks.used(first);
    blocks.used(second);
    expect([blocks.heldOf(first), blocks.heldOf(second)]).toEqual([1, 3]);
    blocks.used(first.subarray(0, 1));
    blocks.used(namesOf([9, 9, 9, 9]));
    expect([blocks.heldOf(first), blocks.heldOf(second)]).toEqual([1, 2]);
  });

  it("learns from what the engine found how much room it has", () => {
    const { blocks } = new Mirror(100);
    for (let id = 0; id < 100; id++) blocks.used(namesOf(Array(4).fill(id)));
    expect(blocks.size).toBe(100);
    for (let time = 0; time < 5; time++) blocks.found(2, 1);
    expect(blocks.size).toBeLessThan(65);
    const { room } = blocks;
    for (let time = 0; time < 5; time++) blocks.found(2, 2);
    expect(blocks.room).toBeGreaterThan(room);
    for (let time = 0; time < 100; time++) blocks.found(2, 0);
    expect(blocks.room).toBe(16);
    for (let time = 0; time < 200; time++) blocks.found(1, 1);
    expect(blocks.room).toBe(100);
  });

  it("forgets all at a restart", () => {
    const { blocks } = new Mirror(10);
    blocks.used(namesOf(Array(16).fill(5)));
    blocks.restart();
    expect(blocks.held()).toEqual([]);
  });
});
