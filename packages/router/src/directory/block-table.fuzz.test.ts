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
    /** By name: its entry, and the word that was written there. */
    const known = new Map<number, readonly [number, number]>();
    for (let step = 0; step < 2000; step++) {
      const name = defined(names[random.integer(0, names.length - 1)]);
      const [entry, word] = known.get(name) ?? [0, 0];
      const one = Float64Array.of(name);
      const hash = table.hashAt(one, 0);
      const found = table.find(one, 0, hash);
      expect([found, found === 0 ? 0 : table.words[4 * found + 2]]).toEqual([entry, word]);
      // Full for a while, then nearly empty for a while.
      const wantsMore = step % 400 < 250;
      const hasRoom = entry !== 0 || known.size < entriesMax;
      const entered = wantsMore ? table.enter(one, 0, hash) : entry;
      expect(entered !== 0).toBe(wantsMore ? hasRoom : entry !== 0);
      expect(entry === 0 || entered === entry).toBe(true);
      if (wantsMore && entered !== 0) {
        table.words[4 * entered + 2] = step;
        known.set(name, [entered, step]);
      } else if (entry !== 0) {
        table.remove(entry);
        known.delete(name);
      }
      if (step % 20 === 0) table.checkIntegrity();
    }
    expect(table.count).toBe(known.size);
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
