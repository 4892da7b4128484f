// The queue against a list that is sorted anew each time.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeQueue } from "./time-queue.ts";

describe("TimeQueue", () => {
  it("gives what a sorted list gives, whatever comes in between", () => {
    const step = fc.option(fc.integer({ min: 0, max: 9 }), { nil: null });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const queue = new TimeQueue<number>();
        let list: { readonly atMs: number; readonly order: number }[] = [];
        const [given, expected]: [(number | null)[], (number | null)[]] = [[], []];
        for (const [order, atMs] of steps.entries()) {
          if (atMs !== null) {
            queue.push(atMs, order);
            list.push({ atMs, order });
            continue;
          }
          // Sorting is stable: of the same time, the one pushed first.
          list = list.toSorted((one, other) => one.atMs - other.atMs);
          given.push(queue.nextMs, queue.pop(), queue.size);
          expected.push(list[0]?.atMs ?? Infinity, list.shift()?.order ?? null, list.length);
          queue.checkIntegrity();
        }
        expect(given).toEqual(expected);
      }),
      { seed: 7, numRuns: 200 },
    );
  });

  it("knows no time that is none", () => {
    const queue = new TimeQueue<number>();
    expect(() => queue.push(Number.NaN, 1)).toThrow("at a time");
    expect(() => queue.push(Infinity, 1)).toThrow("at a time");
  });
});
