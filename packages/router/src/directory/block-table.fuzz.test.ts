// The table against a plain map, with names that all want the same few places: searches grow long,
// and distances exceed what a place can say.

import { expect, test } from "vitest";
import { defined, Random } from "@loci/core";
import { BlockTable } from "./block-table.ts";

const entriesMax = 80;

/** Names of which most begin their search at one of four places, whatever the table's size. */
function crowdedNames(table: BlockTable, random: Random, count: number): readonly number[] {
  const names: number[] = [];
  while (names.length < count) {
    const name = Math.floor(random.next() * 2 ** 53);
    const home = table.hashAt(Float64Array.of(name), 0) & 127;
    if (home < 4 || (home > 125 && names.length % 2 === 0)) names.push(name);
  }
  return names;
}

test("equals a map", () => {
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed);
    const table = new BlockTable(entriesMax, seed);
    const names = crowdedNames(table, random, 150);
    const entries = new Map<number, { readonly entry: number; readonly word: number }>();
    for (let step = 0; step < 2000; step++) {
      const name = defined(names[random.integer(0, names.length - 1)]);
      const known = entries.get(name);
      const one = Float64Array.of(name);
      const hash = table.hashAt(one, 0);
      const found = table.find(one, 0, hash);
      const word = found === 0 ? 0 : table.words[4 * found + 2];
      expect([found, word]).toEqual([known?.entry ?? 0, known?.word ?? 0]);
      // Full for a while, then nearly empty for a while.
      const wantsMore = step % 400 < 250;
      if (known !== undefined && !wantsMore) {
        table.remove(found);
        entries.delete(name);
      } else if (wantsMore) {
        const entry = table.enter(one, 0, hash);
        expect(entry === 0).toBe(known === undefined && entries.size === entriesMax);
        if (known !== undefined) expect(entry).toBe(known.entry);
        if (known !== undefined || entry === 0) continue;
        expect(table.words[4 * entry + 2]).toBe(0);
        table.words[4 * entry + 2] = step;
        entries.set(name, { entry, word: step });
      }
      if (step % 20 === 0) table.checkIntegrity();
    }
    expect(table.count).toBe(entries.size);
  }
});

test("takes freed entries again in the order in which they were freed", () => {
  const table = new BlockTable(entriesMax, 1);
  const names = Float64Array.from({ length: 10 }, (_, name) => name);
  const enter = (name: number): number => table.enter(names, name, table.hashAt(names, name));
  const entries = [1, 2, 3, 4, 5].map(enter);
  for (const index of [3, 0, 2]) table.remove(defined(entries[index]));
  expect([6, 7, 8, 9].map(enter)).toEqual([entries[3], entries[0], entries[2], 6]);
  table.checkIntegrity();
});
