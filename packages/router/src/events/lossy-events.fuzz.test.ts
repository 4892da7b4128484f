// Events on their way through a channel that loses, repeats and shuffles them: with snapshots, what
// the router believes always ends equal to what the worker holds.

import { describe, expect, it } from "vitest";
import { kvTierNames, Random, type KvEvent, type KvEventBatch, type KvSnapshot } from "@loci/core";
import { BlockDirectory } from "../directory/block-directory.ts";
import { PrefixMatches } from "../directory/prefix-matches.ts";
import { EventOrder } from "./event-order.ts";
import { KvEventLog } from "./kv-event-log.ts";

const names = Float64Array.from({ length: 40 }, (_, index) => index + 1);
const tickMs = 20;
const quietMs = 5000;

/** A worker's truth: what it holds, told in events. */
class Truth {
  readonly held = {
    device: new Set<number>(),
    host: new Set<number>(),
    disk: new Set<number>(),
  };

  change(random: Random): KvEvent {
    if (random.next() < 0.01) {
      for (const tier of kvTierNames) this.held[tier].clear();
      return { type: "cleared" };
    }
    const tier = kvTierNames[random.integer(0, 2)] ?? "device";
    const type = random.next() < 0.6 ? "stored" : "removed";
    const blocks = Array.from({ length: random.integer(1, 5) }, () => random.integer(1, 40));
    for (const name of blocks) {
      if (type === "stored") this.held[tier].add(name);
      else this.held[tier].delete(name);
    }
    return { type, tier, blocks };
  }

  snapshot(): KvSnapshot["held"] {
    return kvTierNames.map((tier) => ({ tier, blocks: Float64Array.from(this.held[tier]) }));
  }

  counts(): readonly number[] {
    const { device, host, disk } = this.held;
    const hostOnly = [...host].filter((name) => !device.has(name));
    const diskOnly = [...disk].filter((name) => !device.has(name) && !host.has(name));
    return [device.size, hostOnly.length, diskOnly.length];
  }
}

interface Message {
  readonly atMs: number;
  readonly batch: KvEventBatch | null;
  readonly snapshot: KvSnapshot | null;
}

/** Both ends and the channel between them, under a time of its own. */
class Channel {
  readonly truth = new Truth();
  readonly directory = new BlockDirectory({ blocksMax: 1000, workersMax: 2 });
  readonly order = new EventOrder();
  readonly #log = new KvEventLog({ batchesMax: 50 });
  readonly #random: Random;
  #messages: Message[] = [];
  #asked = false;
  snapshots = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.directory.addWorker(0);
  }

  tell(nowMs: number): void {
    const random = this.#random;
    const events = Array.from({ length: random.integer(1, 3) }, () => this.truth.change(random));
    const batch = this.#log.append(events);
    const copies = random.next() < 0.1 ? 0 : random.next() < 0.1 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delayMs = random.next() < 0.2 ? random.integer(0, 400) : random.integer(0, 5);
      this.#messages.push({ atMs: nowMs + delayMs, batch, snapshot: null });
    }
  }

  step(nowMs: number): void {
    const due = this.#messages.filter(({ atMs }) => atMs <= nowMs);
    this.#messages = this.#messages.filter(({ atMs }) => atMs > nowMs);
    for (const { batch, snapshot } of due) {
      if (batch !== null) this.#apply(this.order.offer(batch, nowMs));
      if (snapshot !== null) this.#take(snapshot, nowMs);
    }
    // A report, twice a second: it says the number of the last batch.
    if (nowMs % 500 === 0) this.order.heardLatest(this.#log.sequence, nowMs);
    if (!this.#asked && this.order.isSnapshotWanted(nowMs)) this.#ask(nowMs);
    this.order.checkIntegrity();
    this.#log.checkIntegrity();
  }

  #ask(nowMs: number): void {
    this.#asked = true;
    const snapshot = { sequence: this.#log.sequence, held: this.truth.snapshot() };
    this.#messages.push({ atMs: nowMs + this.#random.integer(1, 300), batch: null, snapshot });
  }

  #take(snapshot: KvSnapshot, nowMs: number): void {
    this.#asked = false;
    this.snapshots++;
    const later = this.order.snapshot(snapshot.sequence, nowMs);
    if (later === null) return;
    this.directory.replace(0, snapshot.held);
    this.#apply(later);
  }

  #apply(batches: readonly KvEventBatch[]): void {
    for (const { events } of batches) for (const event of events) this.directory.apply(0, event);
  }

  believed(): readonly number[] {
    const matches = new PrefixMatches(2);
    this.directory.match(names, matches);
    return [matches.device, matches.host, matches.disk].map((counts) => counts[0] ?? 0);
  }
}

describe("events over a lossy channel", () => {
  it("end equal to the truth within five seconds", () => {
    let snapshots = 0;
    for (let seed = 0; seed < 60; seed++) {
      const channel = new Channel(seed);
      let nowMs = 0;
      for (; nowMs < 8000; nowMs += tickMs) {
        channel.tell(nowMs);
        channel.step(nowMs);
      }
      for (const endMs = nowMs + quietMs; nowMs <= endMs; nowMs += tickMs) channel.step(nowMs);
      expect(channel.believed(), `seed ${seed}`).toEqual(channel.truth.counts());
      for (const name of names) {
        const isHeld = kvTierNames.some((tier) => channel.truth.held[tier].has(name));
        expect(channel.directory.holders(name), `seed ${seed}`).toEqual(isHeld ? [0] : []);
      }
      snapshots += channel.snapshots;
    }
    expect(snapshots).toBeGreaterThan(60);
  });
});
