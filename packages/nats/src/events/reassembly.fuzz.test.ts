import { assert, Random } from "@loci/core";
import type { KvEventBatch, KvSnapshot } from "@loci/core";
import { describe, expect, test } from "vitest";

import { Reassembly, waitingBatchesMax, waitingNamesMax } from "./reassembly.ts";

/** Block n is stored by batch n and removed by batch n + 5: what is held tells which batches came. */
function batchOf(sequence: number): KvEventBatch {
  const stored = { type: "stored", tier: "device", blocks: [sequence] } as const;
  if (sequence <= 5) return { sequence, events: [stored] };
  return {
    sequence,
    events: [stored, { type: "removed", tier: "device", blocks: [sequence - 5] }],
  };
}

function snapshotAt(sequence: number): KvSnapshot {
  const blocks = Array.from({ length: Math.min(5, sequence) }, (_, index) => sequence - index);
  return { sequence, held: [{ tier: "device", blocks: Float64Array.from(blocks) }] };
}

/** Takes what is passed on, and sees to it that nothing is missing in between. */
class Follower {
  sequence = 0;
  readonly held = new Set<number>();

  batch(batch: KvEventBatch): void {
    assert(batch.sequence === this.sequence + 1, "no batch is missing or repeated");
    this.sequence = batch.sequence;
    for (const event of batch.events) {
      for (const block of event.type === "cleared" ? [] : event.blocks) {
        if (event.type === "stored") this.held.add(block);
        else this.held.delete(block);
      }
    }
  }

  snapshot(snapshot: KvSnapshot): void {
    assert(snapshot.sequence >= this.sequence, "no snapshot goes back");
    this.sequence = snapshot.sequence;
    this.held.clear();
    for (const { blocks } of snapshot.held) for (const block of blocks) this.held.add(block);
  }
}

describe("whatever order batches come in", () => {
  test.each(Array.from({ length: 60 }, (_, seed) => seed))(
    "the follower ends with the truth (seed %i)",
    (seed) => {
      const random = new Random(seed);
      const follower = new Follower();
      const reassembly = new Reassembly(follower);
      const last = 200;
      const late: number[] = [];
      for (let sequence = 1; sequence <= last; sequence++) {
        const fate = random.next();
        if (fate < 0.1) continue;
        if (fate < 0.3) late.push(sequence);
        else reassembly.batch(batchOf(sequence));
        if (fate > 0.9) reassembly.batch(batchOf(random.integer(1, sequence)));
        if (late.length > 0 && random.next() < 0.2) {
          const [taken] = late.splice(random.integer(0, late.length - 1), 1);
          reassembly.batch(batchOf(taken ?? 1));
        }
        const upTo = random.integer(1, sequence);
        if (random.next() < 0.02) {
          reassembly.repair({ form: "snapshot", snapshot: snapshotAt(upTo) });
        }
        reassembly.checkIntegrity();
        expect(reassembly.passed).toBe(follower.sequence);
      }
      reassembly.announced(last);
      const missing = last - reassembly.passed;
      expect(reassembly.hasGap).toBe(missing > 0);
      const from = reassembly.passed + 1;
      const batches = Array.from({ length: missing }, (_, index) => batchOf(from + index));
      reassembly.repair(
        random.next() < 0.5
          ? { form: "batches", batches }
          : { form: "snapshot", snapshot: snapshotAt(last) },
      );
      expect(reassembly.hasGap).toBe(false);
      expect(reassembly.waitingCount).toBe(0);
      expect([...follower.held].toSorted((a, b) => a - b)).toEqual([196, 197, 198, 199, 200]);
    },
  );
});

test("those who wait are bounded, and asked for again", () => {
  const follower = new Follower();
  const reassembly = new Reassembly(follower);
  for (let sequence = 2; sequence < waitingBatchesMax + 100; sequence++) {
    reassembly.batch(batchOf(sequence));
  }
  reassembly.checkIntegrity();
  expect(reassembly.waitingCount).toBe(waitingBatchesMax);
  reassembly.batch(batchOf(1));
  expect(reassembly.passed).toBe(waitingBatchesMax + 1);
  expect(reassembly.hasGap).toBe(true);
});

test("their names are bounded, too", () => {
  const follower = new Follower();
  const reassembly = new Reassembly(follower);
  const blocks = Array.from({ length: 60_000 }, (_, index) => index);
  for (let sequence = 2; sequence < 12; sequence++) {
    const stored = { type: "stored", tier: "device", blocks } as const;
    reassembly.batch({ sequence, events: [stored] });
    reassembly.batch({ sequence, events: [stored] });
  }
  reassembly.checkIntegrity();
  expect(reassembly.waitingCount).toBe(Math.floor(waitingNamesMax / blocks.length));
  reassembly.batch(batchOf(1));
  reassembly.checkIntegrity();
  expect(reassembly.waitingCount).toBe(0);
  expect(reassembly.hasGap).toBe(true);
});

test("a snapshot that was asked for is passed on though nothing was missed", () => {
  const follower = new Follower();
  const reassembly = new Reassembly(follower);
  reassembly.batch(batchOf(1));
  follower.held.clear();
  reassembly.repair({ form: "snapshot", snapshot: snapshotAt(1) });
  expect([...follower.held]).toEqual([1]);
});
