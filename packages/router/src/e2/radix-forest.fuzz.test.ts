// The forest against a map of single blocks: after any calls, each prompt matches the same blocks,
// cached and requested by the same workers.

import { expect, test } from "vitest";
import { blockNames, Random } from "@loci/core";
import { RadixForest } from "./radix-forest.ts";

const windowMs = 50;
const slots = [0, 1, 2];

interface NaiveBlock {
  readonly parent: number | null;
  readonly cached: Set<number>;
  uses: { readonly slot: number; readonly atMs: number }[];
}

class NaiveForest {
  readonly blocks = new Map<number, NaiveBlock>();

  assign(names: Float64Array, slot: number, nowMs: number): void {
    for (const [index, name] of names.entries()) {
      const parent = index === 0 ? null : (names[index - 1] ?? null);
      const block = this.blocks.get(name) ?? { parent, cached: new Set(), uses: [] };
      this.blocks.set(name, block);
      block.cached.add(slot);
      block.uses.push({ slot, atMs: nowMs });
    }
  }

  removed(slot: number, names: readonly number[]): void {
    for (const name of names) this.blocks.get(name)?.cached.delete(slot);
    this.#forget();
  }

  removeWorker(slot: number): void {
    for (const block of this.blocks.values()) {
      block.cached.delete(slot);
      block.uses = block.uses.filter((use) => use.slot !== slot);
    }
    this.#forget();
  }

  clear(slot: number): void {
    for (const block of this.blocks.values()) block.cached.delete(slot);
    this.#forget();
  }

  expire(nowMs: number): void {
    for (const block of this.blocks.values()) {
      block.uses = block.uses.filter(({ atMs }) => atMs > nowMs - windowMs);
    }
    this.#forget();
  }

  /** What nobody uses goes, but for what comes before something that is used. */
  #forget(): void {
    const wanted = new Set<number>();
    for (const [name, block] of this.blocks) {
      if (block.cached.size === 0 && block.uses.length === 0) continue;
      let above: number | null = name;
      while (above !== null && !wanted.has(above)) {
        wanted.add(above);
        above = this.blocks.get(above)?.parent ?? null;
      }
    }
    for (const name of this.blocks.keys()) if (!wanted.has(name)) this.blocks.delete(name);
  }
}

function promptOf(random: Random): Float64Array {
  const length = random.integer(0, 6) + (random.next() < 0.1 ? 20 : 0);
  const tokens = Int32Array.from({ length }, () => (random.next() < 0.8 ? 1 : 2));
  return blockNames(random.next() < 0.5 ? "a" : "b", tokens, 1);
}

/** One random call on both; returns the time after it. */
function call(random: Random, forest: RadixForest, naive: NaiveForest, nowMs: number): number {
  const slot = random.integer(0, slots.length - 1);
  const kind = random.next();
  if (kind < 0.5) {
    const names = promptOf(random);
    forest.assign(names, slot, nowMs);
    naive.assign(names, slot, nowMs);
  } else if (kind < 0.8) {
    const known = [...naive.blocks.keys()];
    const names = Array.from({ length: random.integer(1, 4) }, () =>
      random.next() < 0.9 ? (known[random.integer(0, known.length - 1)] ?? 7) : 12_345,
    );
    forest.removed(slot, names);
    naive.removed(slot, names);
  } else if (kind < 0.82) {
    forest.removeWorker(slot);
    forest.addWorker(slot);
    naive.removeWorker(slot);
  } else if (kind < 0.84) {
    forest.clear(slot);
    naive.clear(slot);
  } else {
    forest.expire(nowMs);
    naive.expire(nowMs);
  }
  return nowMs + random.integer(0, 5);
}

function compare(forest: RadixForest, naive: NaiveForest, names: Float64Array): void {
  let known = 0;
  while (known < names.length && naive.blocks.has(names[known] ?? 0)) known++;
  expect(forest.match(names).blocks).toBe(known);
  for (let length = 1; length <= known; length++) {
    const { node } = forest.match(names.subarray(0, length));
    const block = naive.blocks.get(names[length - 1] ?? 0);
    for (const slot of slots) {
      expect(node?.isCachedOn(slot)).toBe(block?.cached.has(slot));
      expect(node?.requestsOn(slot)).toBe(block?.uses.filter((use) => use.slot === slot).length);
    }
  }
}

test("equals a map of single blocks", () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random(seed);
    const forest = new RadixForest({ windowMs });
    for (const slot of slots) forest.addWorker(slot);
    const naive = new NaiveForest();
    let nowMs = 0;
    for (let step = 0; step < 150; step++) {
      nowMs = call(random, forest, naive, nowMs);
      forest.checkIntegrity();
      expect(forest.blockCount).toBe(naive.blocks.size);
      compare(forest, naive, promptOf(random));
    }
  }
});

test("keeps its bounds and links whatever comes, even names that repeat", () => {
  for (let seed = 0; seed < 40; seed++) {
    const random = new Random(seed);
    const forest = new RadixForest({ windowMs, blocksMax: 12, requestsMax: 9 });
    for (const slot of slots) forest.addWorker(slot);
    const naive = new NaiveForest();
    let nowMs = 0;
    for (let step = 0; step < 150; step++) {
      nowMs = call(random, forest, naive, nowMs);
      const slot = random.integer(0, 2);
      const repeated = Float64Array.from({ length: random.integer(0, 6) }, () =>
        random.integer(1, 4),
      );
      if (random.next() < 0.3) forest.assign(repeated, slot, nowMs);
      if (random.next() < 0.3) forest.removed(slot, repeated);
      forest.checkIntegrity();
    }
    forest.expire(nowMs + windowMs);
    for (const slot of slots) forest.clear(slot);
    forest.checkIntegrity();
    expect([forest.nodeCount, forest.blockCount]).toEqual([0, 0]);
  }
});
