import { describe, expect, it } from "vitest";
import type { KvEvent } from "@loci/core";
import { KvEventLog } from "./kv-event-log.ts";

const stored = (...blocks: number[]): readonly KvEvent[] => [
  { type: "stored", tier: "device", blocks },
];

describe("KvEventLog", () => {
  it("numbers batches from 1 and gives back those after a number", () => {
    const log = new KvEventLog();
    expect(log.sequence).toBe(0);
    expect(log.since(0)).toEqual([]);
    const first = log.append(stored(1));
    const second = log.append([]);
    expect([first.sequence, second.sequence]).toEqual([1, 2]);
    expect(log.since(0)).toEqual([first, second]);
    expect(log.since(1)).toEqual([second]);
    expect(log.since(2)).toEqual([]);
  });

  it("knows nothing of numbers that it did not give", () => {
    const log = new KvEventLog();
    log.append(stored(1));
    for (const sequence of [2, -1, 0.5, Number.NaN, Infinity]) {
      expect(log.since(sequence)).toBeNull();
    }
  });

  it("keeps the last batches, and as many names as it may", () => {
    const log = new KvEventLog({ batchesMax: 4, namesMax: 10 });
    for (let count = 0; count < 1000; count++) {
      log.append(stored(...Array.from({ length: count % 7 }, (_, index) => index + 1)));
      log.checkIntegrity();
    }
    const kept = log.since(1000 - 2);
    expect(kept?.map(({ sequence }) => sequence)).toEqual([999, 1000]);
    expect(log.since(0)).toBeNull();
    log.append(stored(...Array.from({ length: 11 }, (_, index) => index + 1)));
    log.checkIntegrity();
    expect(log.since(1000)).toBeNull();
    expect(log.since(1001)).toEqual([]);
  });
});
