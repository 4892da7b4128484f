import * as fc from "fast-check";
import { expect, it } from "vitest";
import { bestOf } from "./best-of.ts";

function byKey(one: { key: number }, other: { key: number }): number {
  return one.key - other.key;
}

it("is the beginning of the sorted list, equals in their order", () => {
  const entries = fc.array(fc.record({ key: fc.integer({ min: 0, max: 9 }), place: fc.nat() }));
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 12 }), (list, count) => {
      expect(bestOf(list, count, byKey)).toEqual(list.toSorted(byKey).slice(0, count));
    }),
  );
});
