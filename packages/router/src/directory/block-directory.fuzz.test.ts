// The directory against maps of sets: after any calls, every prompt finds the same holders, and every
// block the same uses; and at its bound, whatever comes, its parts agree with each other.

import { expect, test } from "vitest";
import {
  blockNames,
  defined,
  kvTierNames,
  Random,
  type KvEvent,
  type KvTierName,
} from "@loci/core";
import { BlockDirectory } from "./block-directory.ts";
import { PrefixMatches } from "./prefix-matches.ts";

const windowMs = 100;
const workersMax = 70;
/** Of different words of a set. */
const slots = [0, 3, 31, 32, 69];

interface NaiveBlock {
  readonly device: Set<number>;
  readonly host: Set<number>;
  readonly disk: Set<number>;
  /** Slot → until. */
  readonly expected: Map<number, number>;
  uses: number[];
}

function halfOf(atMs: number): number {
  return Math.floor((2 * atMs) / windowMs);
}

class NaiveDirectory {
  readonly blocks = new Map<number, NaiveBlock>();

  of(name: number): NaiveBlock {
    const none = { device: new Set<number>(), host: new Set<number>(), disk: new Set<number>() };
    const block = this.blocks.get(name) ?? { ...none, expected: new Map(), uses: [] };
    this.blocks.set(name, block);
    return block;
  }

  apply(slot: number, event: KvEvent): void {
    if (event.type === "cleared") {
      for (const block of this.blocks.values()) {
        for (const tier of kvTierNames) block[tier].delete(slot);
      }
      return;
    }
    for (const name of event.blocks) {
      if (event.type === "stored") this.of(name)[event.tier].add(slot);
      else this.of(name)[event.tier].delete(slot);
      if (event.type === "stored" && event.tier === "device") this.of(name).expected.delete(slot);
    }
  }

  leave(slot: number): void {
    this.apply(slot, { type: "cleared" });
    for (const block of this.blocks.values()) block.expected.delete(slot);
  }

  speculate(slot: number, names: Float64Array, untilMs: number): void {
    for (const name of names) {
      const block = this.of(name);
      if (!block.device.has(slot)) block.expected.set(slot, untilMs);
    }
  }

  expire(nowMs: number): void {
    for (const { expected } of this.blocks.values()) {
      for (const [slot, untilMs] of expected) if (untilMs <= nowMs) expected.delete(slot);
    }
  }

  fastest(name: number, slot: number): KvTierName | null {
    const block = this.of(name);
    if (block.expected.has(slot)) return "device";
    return kvTierNames.find((tier) => block[tier].has(slot)) ?? null;
  }

  counts(names: Float64Array, slot: number): readonly number[] {
    const tiers = Array.from(names, (name) => this.fastest(name, slot));
    const gap = tiers.indexOf(null);
    const prefix = gap < 0 ? tiers : tiers.slice(0, gap);
    return [tiers, prefix].flatMap((some) =>
      kvTierNames.map((tier) => some.filter((each) => each === tier).length),
    );
  }

  sharing(name: number, nowMs: number): number {
    return this.of(name).uses.filter((atMs) => halfOf(nowMs) - halfOf(atMs) <= 1).length;
  }

  holders(name: number): readonly number[] {
    const block = this.of(name);
    return slots.filter((slot) => kvTierNames.some((tier) => block[tier].has(slot)));
  }

  /** Counts of each slot, then uses and holders of each block. */
  seen(names: Float64Array, nowMs: number): readonly (readonly number[])[] {
    const counts = slots.map((slot) => this.counts(names, slot));
    const ofBlocks = Array.from(names, (name) => [
      this.sharing(name, nowMs),
      ...this.holders(name),
    ]);
    return [...counts, ...ofBlocks];
  }
}

function promptOf(random: Random): Float64Array {
  const length = random.integer(0, 7);
  const tokens = Int32Array.from({ length }, () => (random.next() < 0.8 ? 1 : 2));
  return blockNames(random.next() < 0.7 ? "a" : "b", tokens, 1);
}

function pick<T>(random: Random, values: readonly T[]): T {
  return defined(values[random.integer(0, values.length - 1)]);
}

function eventOf(random: Random): KvEvent {
  const names = promptOf(random);
  const blocks = Array.from(random.next() < 0.5 ? names : names.slice(-2));
  const kind = random.next();
  if (kind < 0.03) return { type: "cleared" };
  return { type: kind < 0.6 ? "stored" : "removed", tier: pick(random, kvTierNames), blocks };
}

const hints = new PrefixMatches(workersMax);

function call(
  random: Random,
  directory: BlockDirectory,
  naive: NaiveDirectory,
  nowMs: number,
): void {
  const slot = pick(random, slots);
  const kind = random.next();
  // What a look-up found, of the same names or of others and perhaps outdated.
  const found = random.next() < 0.3 ? null : hints;
  if (random.next() < 0.3) directory.match(promptOf(random), hints);
  if (kind < 0.5) {
    const event = eventOf(random);
    directory.apply(slot, event);
    naive.apply(slot, event);
  } else if (kind < 0.7) {
    const names = promptOf(random);
    if (random.next() < 0.5) directory.match(names, hints);
    directory.speculate(slot, names, nowMs + 20);
    naive.speculate(slot, names, nowMs + 20);
  } else if (kind < 0.85) {
    const names = promptOf(random);
    if (random.next() < 0.5) directory.match(names, hints);
    const blocks = random.integer(0, names.length);
    const sentTo = random.next() < 0.5 ? { slot, blocks, untilMs: nowMs + 20 } : null;
    directory.use(names, nowMs, found, sentTo);
    for (const name of names) naive.of(name).uses.push(nowMs);
    if (sentTo !== null) naive.speculate(slot, names.subarray(0, blocks), nowMs + 20);
  } else if (kind < 0.87) {
    const held = kvTierNames.map((tier) => ({ tier, blocks: promptOf(random) }));
    directory.replace(slot, held);
    naive.apply(slot, { type: "cleared" });
    for (const { tier, blocks } of held) {
      naive.apply(slot, { type: "stored", tier, blocks: [...blocks] });
    }
  } else if (kind < 0.89) {
    directory.removeWorker(slot);
    directory.addWorker(slot);
    naive.leave(slot);
  } else {
    directory.expire(nowMs);
    naive.expire(nowMs);
  }
}

test("equals maps of sets", () => {
  const matches = new PrefixMatches(workersMax);
  for (let seed = 0; seed < 25; seed++) {
    const random = new Random(seed);
    const directory = new BlockDirectory({ blocksMax: 10_000, workersMax, windowMs, seed });
    for (const slot of slots) directory.addWorker(slot);
    const naive = new NaiveDirectory();
    let nowMs = 0;
    for (let step = 0; step < 200; step++) {
      call(random, directory, naive, nowMs);
      if (step % 10 === 0) directory.checkIntegrity();
      const names = promptOf(random);
      directory.match(names, matches);
      const { device, host, disk, devicePrefix, hostPrefix, diskPrefix } = matches;
      const found = [device, host, disk, devicePrefix, hostPrefix, diskPrefix];
      const seen = slots.map((slot) => found.map((counts) => counts[slot]));
      for (const [index, name] of names.entries()) {
        const hint = random.next() < 0.5 ? matches.entries[index] : random.integer(0, 30);
        seen.push([directory.sharing(name, nowMs, hint), ...directory.holders(name)]);
      }
      expect(seen).toEqual(naive.seen(names, nowMs));
      nowMs += random.integer(0, 8);
    }
  }
});

/** What a broken or hostile worker might name. */
const impossible = [0, -1, 0.5, Number.NaN, Infinity, 2 ** 53, -0, 2 ** 60];

test("keeps its bound and its parts together, whatever comes", () => {
  for (let seed = 0; seed < 10; seed++) {
    const random = new Random(seed);
    const directory = new BlockDirectory({ blocksMax: 60, workersMax, windowMs, seed });
    for (const slot of slots) directory.addWorker(slot);
    const naive = new NaiveDirectory();
    for (let step = 0; step < 300; step++) {
      call(random, directory, naive, step * 5);
      const forged = [pick(random, impossible), random.integer(1, 500), 2 ** 53 - 1];
      directory.apply(pick(random, slots), { type: "stored", tier: "host", blocks: forged });
      directory.apply(pick(random, slots), { type: "removed", tier: "disk", blocks: forged });
      directory.use(Float64Array.from(forged), step * 5);
      directory.speculate(pick(random, slots), Float64Array.from(forged), step * 5 + 20);
      directory.match(Float64Array.from(forged), new PrefixMatches(workersMax));
      if (step % 5 === 0) directory.checkIntegrity();
      expect(directory.blockCount).toBeLessThanOrEqual(60);
    }
    for (const slot of slots) directory.removeWorker(slot);
    for (let sweep = 0; sweep < 5; sweep++) directory.expire(1e6);
    directory.checkIntegrity();
    expect(directory.blockCount).toBe(0);
  }
});
