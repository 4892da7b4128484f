import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HappeningLog, loggedHappeningsMax } from "./happening-log.ts";
import { emptyView, happening, liveView } from "../testing/live-views.ts";

function view(atMs: number, worker: string | null, sequences: readonly number[]) {
  const happenings = sequences.map((sequence) => happening({ worker, sequence }));
  return liveView({ atMs, view: emptyView({ happenings }) });
}

const sequencesOf = (log: HappeningLog): readonly number[] =>
  log.entries.map((entry) => entry.happening.sequence);

describe("HappeningLog", () => {
  it("logs once what several views tell, newest first", () => {
    const log = new HappeningLog();
    log.add(view(1000, null, [1, 2]));
    log.add(view(2000, null, [1, 2, 3]));
    log.add(view(3000, null, [1, 2, 3]));
    expect(sequencesOf(log)).toEqual([3, 2, 1]);
  });

  it("takes a count that goes back for a worker's new life", () => {
    const log = new HappeningLog();
    log.add(view(1000, "w1", [7, 8]));
    log.add(view(2000, "w1", [1]));
    expect(sequencesOf(log)).toEqual([1, 8, 7]);
    log.checkIntegrity();
  });

  it("gives the same array while nothing came", () => {
    const log = new HappeningLog();
    log.add(view(1000, null, [1]));
    const { entries } = log;
    log.add(view(2000, null, [1]));
    expect(log.entries).toBe(entries);
  });

  it("agrees with a log that keeps all it is told, for workers that only count up", () => {
    const tick = fc.record({
      worker: fc.constantFrom("w1", "w2", "w3"),
      fresh: fc.integer({ min: 0, max: 40 }),
      shown: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(tick, { maxLength: 50 }), (ticks) => {
        const log = new HappeningLog();
        const counts = new Map<string, number>();
        const told = new Set<string>();
        const highest = new Map<string, number>();
        let atMs = 0;
        for (const { worker, fresh, shown } of ticks) {
          atMs += 1000;
          const end = (counts.get(worker) ?? 0) + fresh;
          counts.set(worker, end);
          const start = Math.max(0, end - shown);
          const sequences = Array.from({ length: end - start }, (_, index) => start + index);
          // What a view left out is missed for good, also when a later one still has it.
          const missed = highest.get(worker) ?? -1;
          for (const sequence of sequences) {
            if (sequence > missed) told.add(`${worker}/${sequence}`);
          }
          highest.set(worker, Math.max(missed, end - 1));
          log.add(view(atMs, worker, sequences));
          log.checkIntegrity();
        }
        const logged = log.entries.map(
          ({ happening: one }) => `${one.worker ?? ""}/${one.sequence}`,
        );
        expect(logged).toHaveLength(Math.min(told.size, loggedHappeningsMax));
        expect(logged.every((one) => told.has(one))).toBe(true);
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
