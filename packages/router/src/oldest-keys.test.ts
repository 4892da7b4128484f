import * as fc from "fast-check";
import { expect, test } from "vitest";
import { OldestKeys } from "./oldest-keys.ts";

test("takes what a new iterator would, whatever was put in and taken out before", () => {
  const step = fc.record({ key: fc.nat({ max: 20 }), kind: fc.nat({ max: 3 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const map = new Map<number, true>();
      const oldest = new OldestKeys(map);
      const taken: number[] = [];
      const wanted: number[] = [];
      for (const { key, kind } of steps) {
        // A use puts an entry at the end; some go before their time.
        map.delete(key);
        if (kind > 0) map.set(key, true);
        const [first] = map.keys();
        if (first === undefined || map.size < 10) continue;
        wanted.push(first);
        taken.push(oldest.take());
        map.delete(first);
      }
      expect(taken).toEqual(wanted);
    }),
    { seed: 3, numRuns: 300 },
  );
});
