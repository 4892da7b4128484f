// A snapshot that is taken in slice by slice, with events, other snapshots and the worker's death in
// between, ends where one that is taken in at once would: at the worker's truth.

import {
  assert,
  kvTierNames,
  type KvEvent,
  type KvEventBatch,
  type KvSnapshot,
  Random,
} from "@loci/core";
import { describe, expect, it } from "vitest";
import { BlockDirectory } from "../directory/block-directory.ts";
import { PrefixMatches } from "../directory/prefix-matches.ts";
import { WorkerBlocks } from "./worker-blocks.ts";

const names = Float64Array.from({ length: 6000 }, (_, index) => index + 1);
const slot = 1;

/** A worker and what a router knows of it; events may be lost, snapshots come in between. */
class Pair {
  readonly directory = new BlockDirectory({ blocksMax: 10_000, workersMax: 2 });
  readonly #random: Random;
  readonly #held = kvTierNames.map((tier) => ({ tier, blocks: new Set<number>() }));
  #blocks = new WorkerBlocks(this.directory, slot, null);
  #sequence = 0;
  /** Calls of `catchUp` that found something to do. */
  slices = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    for (const { blocks } of this.#held) {
      for (const name of names) if (this.#random.next() < 0.5) blocks.add(name);
    }
  }

  act(): void {
    const chance = this.#random.next();
    if (chance < 0.1) this.snapshot();
    else if (chance < 0.12) this.#die();
    else if (chance < 0.17) this.#change(false);
    else this.actTold();
    this.#blocks.checkIntegrity();
  }

  /** Nothing is lost. */
  actTold(): void {
    if (this.#random.next() < 0.5) this.#change(true);
    else this.#catchUp();
  }

  snapshot(): void {
    const held = this.#held.map(({ tier, blocks }) => ({
      tier,
      blocks: Float64Array.from(blocks),
    }));
    this.#blocks.replace({ sequence: this.#sequence, held }, 0);
  }

  catchUpAll(): void {
    while (this.#catchUp()) this.#blocks.checkIntegrity();
    this.directory.checkIntegrity();
  }

  /** By name, in which memory the worker has it soonest, by its truth and by the directory. */
  placesOfAll(): { readonly held: readonly number[]; readonly believed: readonly number[] } {
    const matches = new PrefixMatches(2);
    const held: number[] = [];
    const believed: number[] = [];
    for (const name of names) {
      held.push(this.#held.findIndex(({ blocks }) => blocks.has(name)));
      this.directory.match(Float64Array.of(name), matches);
      const counts = [matches.device, matches.host, matches.disk];
      believed.push(counts.findIndex((count) => count[slot] === 1));
    }
    return { held, believed };
  }

  #catchUp(): boolean {
    const isWork = this.#blocks.catchUp();
    if (isWork) this.slices++;
    return isWork;
  }

  /** The router knows it as another life, of which it has heard nothing. */
  #die(): void {
    this.#blocks.close();
    assert(this.directory.holders(names[0] ?? 0).length === 0, "nothing is left of it");
    this.#blocks = new WorkerBlocks(this.directory, slot, null);
    this.#blocks.wantSnapshot();
  }

  #change(isTold: boolean): void {
    const random = this.#random;
    const events = Array.from({ length: random.integer(1, 3) }, () => this.#event());
    const batch: KvEventBatch = { sequence: ++this.#sequence, events };
    if (isTold) this.#blocks.offer(batch, 0);
  }

  #event(): KvEvent {
    const random = this.#random;
    if (random.next() < 0.02) {
      for (const { blocks } of this.#held) blocks.clear();
      return { type: "cleared" };
    }
    const { tier, blocks } = this.#held[random.integer(0, 2)] ?? {
      tier: "disk",
      blocks: new Set(),
    };
    const type = random.next() < 0.6 ? "stored" : "removed";
    const count = random.next() < 0.05 ? 30_000 : random.integer(1, 50);
    const changed = Array.from({ length: count }, () => random.integer(1, names.length));
    for (const name of changed) {
      if (type === "stored") blocks.add(name);
      else blocks.delete(name);
    }
    return { type, tier, blocks: changed };
  }
}

/** One name over and over, and one that goes. */
function batchOf(sequence: number, count: number): KvEventBatch {
  const blocks = Array.from({ length: count }, () => 6000);
  const removed: KvEvent = { type: "removed", tier: "host", blocks: [4999] };
  return { sequence, events: [{ type: "stored", tier: "host", blocks }, removed] };
}

function firstNames(count: number): KvSnapshot["held"] {
  return [{ tier: "host", blocks: names.subarray(0, count) }];
}

describe("WorkerBlocks", () => {
  it("ends at the worker's truth, however a snapshot's slices fall among events", () => {
    let slices = 0;
    for (let seed = 0; seed < 40; seed++) {
      const pair = new Pair(seed);
      pair.snapshot();
      for (let act = 0; act < 80; act++) pair.act();
      // Whatever was lost, the next snapshot tells; from there on the events do.
      pair.snapshot();
      for (let act = 0; act < 8; act++) pair.actTold();
      pair.catchUpAll();
      const { held, believed } = pair.placesOfAll();
      expect(believed, `seed ${seed}`).toEqual(held);
      slices += pair.slices;
    }
    expect(slices).toBeGreaterThan(200);
  });

  it("takes a large snapshot in at once when too much waits for it", () => {
    const directory = new BlockDirectory({ blocksMax: 10_000, workersMax: 2 });
    const blocks = new WorkerBlocks(directory, slot, null);
    // It came before the snapshot, and waits for batches that were lost.
    blocks.offer(batchOf(8, 70_000), 0);
    blocks.replace({ sequence: 7, held: firstNames(5000) }, 0);
    blocks.checkIntegrity();
    expect(blocks.catchUp()).toBe(false);
    expect([directory.blockCount, directory.holders(6000)]).toEqual([5001, [slot]]);
    // It comes while the snapshot is taken in.
    blocks.replace({ sequence: 9, held: firstNames(5000) }, 0);
    blocks.offer(batchOf(10, 40_000), 0);
    expect(directory.holders(5000)).toEqual([]);
    blocks.offer(batchOf(11, 40_000), 0);
    blocks.checkIntegrity();
    expect(blocks.catchUp()).toBe(false);
    expect([4999, 5000, 6000].map((name) => directory.holders(name))).toEqual([[], [slot], [slot]]);
  });

  it("takes a small snapshot in at once, and large ones are bounded work", () => {
    const directory = new BlockDirectory({ blocksMax: 10_000, workersMax: 2 });
    const blocks = new WorkerBlocks(directory, slot, null);
    blocks.replace({ sequence: 1, held: firstNames(2048) }, 0);
    expect(blocks.catchUp()).toBe(false);
    expect(directory.blockCount).toBe(2048);
    blocks.replace({ sequence: 2, held: firstNames(5000) }, 0);
    expect(directory.blockCount).toBe(2048);
    blocks.offer(
      { sequence: 3, events: [{ type: "removed", tier: "host", blocks: [1, 4999] }] },
      0,
    );
    expect(directory.holders(1)).toEqual([slot]);
    expect([blocks.catchUp(), blocks.catchUp(), blocks.catchUp()]).toEqual([true, true, false]);
    expect([1, 2, 4999, 5000].map((name) => directory.holders(name))).toEqual([
      [],
      [slot],
      [],
      [slot],
    ]);
  });
});
