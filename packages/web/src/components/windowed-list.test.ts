import * as fc from "fast-check";
import { expect, test } from "vitest";
import { visibleRange } from "./windowed-list.tsx";

test("everything that can be seen exists, and little else", () => {
  const scroll = fc.record({
    topPixels: fc.integer({ min: -100, max: 600_000 }),
    heightPixels: fc.integer({ min: 0, max: 2000 }),
    rowPixels: fc.integer({ min: 10, max: 80 }),
    rowsTotal: fc.nat({ max: 10_000 }),
  });
  fc.assert(
    fc.property(scroll, (given) => {
      const { topPixels, heightPixels, rowPixels, rowsTotal } = given;
      const [from, to] = visibleRange(given);
      expect(0 <= from && from <= to && to <= rowsTotal).toBe(true);
      expect(to - from).toBeLessThanOrEqual(Math.ceil(heightPixels / rowPixels) + 18);
      const firstSeen = Math.floor(Math.max(0, topPixels) / rowPixels);
      const lastSeen = Math.min(rowsTotal - 1, Math.floor((topPixels + heightPixels) / rowPixels));
      for (let row = firstSeen; row <= lastSeen; row++) expect(from <= row && row < to).toBe(true);
    }),
    { seed: 9 },
  );
});
