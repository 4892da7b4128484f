import { describe, expect, it } from "vitest";
import type { KvEventBatch } from "@loci/core";
import { EventOrder } from "./event-order.ts";

const batch = (sequence: number, names = 0): KvEventBatch => {
  const blocks = Array.from({ length: names }, (_, index) => index + 1);
  return { sequence, events: [{ type: "stored", tier: "device", blocks }] };
};

function offered(order: EventOrder, sequences: readonly number[], nowMs = 0): readonly number[] {
  return sequences.flatMap((sequence) => {
    const released = order.offer(batch(sequence), nowMs);
    order.checkIntegrity();
    return released.map((each) => each.sequence);
  });
}

describe("EventOrder", () => {
  it("gives each batch once, in order, whatever order they come in", () => {
    const order = new EventOrder();
    expect(offered(order, [1, 3, 3, 2, 1, 5, 2, 4])).toEqual([1, 2, 3, 4, 5]);
    expect(order.applied).toBe(5);
    expect(order.isSnapshotWanted(1e9)).toBe(false);
  });

  it("wants a snapshot when a batch stays away for too long", () => {
    const order = new EventOrder({ patienceMs: 200 });
    expect(offered(order, [1, 3], 1000)).toEqual([1]);
    expect(order.isSnapshotWanted(1199)).toBe(false);
    expect(order.isSnapshotWanted(1200)).toBe(true);
    // Its coming changes nothing about the question that is under way, but it is applied.
    expect(offered(order, [2], 1300)).toEqual([2, 3]);
  });

  it("has patience anew with another gap", () => {
    const order = new EventOrder({ patienceMs: 200 });
    expect(offered(order, [1, 3, 5], 0)).toEqual([1]);
    expect(offered(order, [2], 150)).toEqual([2, 3]);
    expect(order.isSnapshotWanted(349)).toBe(false);
    expect(order.isSnapshotWanted(350)).toBe(true);
  });

  it("wants a snapshot when many wait", () => {
    const order = new EventOrder({ patienceBatches: 3 });
    offered(order, [2, 3]);
    expect(order.isSnapshotWanted(0)).toBe(false);
    offered(order, [4]);
    expect(order.isSnapshotWanted(0)).toBe(true);
  });

  it("goes on after a snapshot with those that waited", () => {
    const order = new EventOrder();
    offered(order, [1, 4, 5, 7]);
    expect(order.snapshot(4, 500)?.map(({ sequence }) => sequence)).toEqual([5]);
    order.checkIntegrity();
    expect(order.applied).toBe(5);
    expect(order.isSnapshotWanted(699)).toBe(false);
    expect(order.isSnapshotWanted(700)).toBe(true);
    expect(order.snapshot(3, 700)).toBeNull();
    expect(order.snapshot(9, 700)).toEqual([]);
    expect(offered(order, [8, 9, 10])).toEqual([10]);
    expect(order.isSnapshotWanted(1e9)).toBe(false);
  });

  it("asks for what was held before it listened", () => {
    const order = new EventOrder();
    order.wantSnapshot();
    expect(order.isSnapshotWanted(0)).toBe(true);
    expect(order.snapshot(500, 0)).toEqual([]);
    expect(order.isSnapshotWanted(0)).toBe(false);
    expect(offered(order, [501])).toEqual([501]);
  });

  it("notices that the last batch is lost when it hears its number", () => {
    const order = new EventOrder({ patienceMs: 200 });
    offered(order, [1]);
    order.heardLatest(1, 0);
    expect(order.isSnapshotWanted(1000)).toBe(false);
    order.heardLatest(2, 1000);
    order.checkIntegrity();
    expect(order.isSnapshotWanted(1200)).toBe(true);
  });

  it("lets the lowest go when too many wait, and never grows", () => {
    const order = new EventOrder({ earlyMax: 4, patienceBatches: 4, earlyNamesMax: 10 });
    offered(order, [3, 4, 5, 6, 7, 8]);
    expect(order.earlyCount).toBe(4);
    expect(order.snapshot(5, 0)?.map(({ sequence }) => sequence)).toEqual([6, 7, 8]);
    order.offer(batch(10, 6), 0);
    order.offer(batch(11, 6), 0);
    order.checkIntegrity();
    expect(order.earlyCount).toBe(1);
  });

  it("is not led astray by numbers that cannot be", () => {
    const order = new EventOrder();
    expect(offered(order, [Number.NaN, -1, 0, 1.5, Infinity, 2 ** 53])).toEqual([]);
    expect(order.isSnapshotWanted(1e9)).toBe(false);
    expect(offered(order, [2 ** 52])).toEqual([]);
    expect(order.isSnapshotWanted(1e9)).toBe(true);
    expect(order.snapshot(1, 1e9)).toEqual([]);
    expect(order.isSnapshotWanted(2e9)).toBe(false);
  });
});
