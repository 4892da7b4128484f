// Against counting: prompts are paths in a small tree, and every beginning that at least two share is
// hot up to where fewer go on.

import { Random } from "@loci/core";
import { expect, it } from "vitest";
import { HotPrefixes } from "./hot-prefixes.ts";

const blockTokens = 16;

/** Names of a prompt's blocks, of which each stands for all before it, as real ones do. */
function namesOf(path: readonly number[]): Float64Array {
  let name = 1;
  return Float64Array.from(path, (step) => {
    name = (name * 31 + step + 7) % 9_007_199_254_740_881;
    return name;
  });
}

function holders(name: number): string[] {
  return [`holder of ${name}`];
}

function naive(prompts: readonly Float64Array[]): Map<number, { blocks: number; hits: number }> {
  const uses = new Map<number, number>();
  for (const names of prompts) for (const name of names) uses.set(name, (uses.get(name) ?? 0) + 1);
  const found = new Map<number, { blocks: number; hits: number }>();
  for (const names of prompts) {
    for (const [index, name] of names.entries()) {
      const hits = uses.get(name) ?? 0;
      const next = uses.get(names[index + 1] ?? 0) ?? 0;
      if (hits >= 2 && next < hits) found.set(name, { blocks: index + 1, hits });
    }
  }
  return found;
}

it("finds where prompts part", () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed);
    const hot = new HotPrefixes();
    const prompts: Float64Array[] = [];
    const paths: number[][] = [[]];
    for (let count = random.integer(1, 60); count > 0; count--) {
      const base = paths[random.integer(0, paths.length - 1)] ?? [];
      const kept = base.slice(0, random.integer(0, base.length));
      const added = Array.from({ length: random.integer(0, 6) }, () => random.integer(0, 3));
      paths.push([...kept, ...added]);
      const names = namesOf([...kept, ...added]);
      prompts.push(names);
      hot.note(names, blockTokens);
    }
    const uses = (name: number): number => prompts.filter((names) => names.includes(name)).length;
    const listed = hot.list(1000, { sharing: uses, holders });
    const expected = [...naive(prompts)].map(([name, { blocks, hits }]) => ({
      key: name.toString(36),
      tokens: blocks * blockTokens,
      blocks,
      workers: holders(name),
      hits,
    }));
    expect(new Set(listed)).toEqual(new Set(expected));
    for (const [index, { hits, blocks }] of listed.entries()) {
      const before = listed[index - 1] ?? { hits: Infinity, blocks: Infinity };
      const isInOrder = before.hits > hits || (before.hits === hits && before.blocks >= blocks);
      expect(isInOrder).toBe(true);
    }
    expect(hot.list(2, { sharing: uses, holders })).toEqual(listed.slice(0, 2));
    hot.checkIntegrity();
  }
});

it("remembers a bounded number of prompts, the last ones", () => {
  const hot = new HotPrefixes();
  for (let prompt = 0; prompt < 1000; prompt++) hot.note(namesOf([prompt, prompt]), blockTokens);
  const listed = hot.list(10_000, { sharing: () => 5, holders: () => [] });
  expect(listed).toHaveLength(256);
  expect(listed[0]).toMatchObject({ blocks: 2, hits: 5 });
  hot.checkIntegrity();
});
