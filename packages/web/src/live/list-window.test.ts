import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { listWindow } from "./list-window.ts";

describe("listWindow", () => {
  it("draws a short list whole", () => {
    const shown = listWindow({ count: 5, rowHeight: 40, scrollTop: 0, viewHeight: 200 });
    expect(shown).toEqual({ start: 0, end: 5, above: 0, below: 0 });
  });

  it("draws all that is in sight and little else, and keeps the whole height", () => {
    const geometry = fc.record({
      count: fc.integer({ min: 0, max: 10_000 }),
      rowHeight: fc.integer({ min: 10, max: 100 }),
      scrollTop: fc.integer({ min: 0, max: 1_000_000 }),
      viewHeight: fc.integer({ min: 1, max: 2000 }),
    });
    fc.assert(
      fc.property(geometry, (one) => {
        const { start, end, above, below } = listWindow(one);
        const { count, rowHeight, viewHeight } = one;
        expect(above + below + (end - start) * rowHeight).toBe(count * rowHeight);
        expect(end - start).toBeLessThanOrEqual(Math.ceil(viewHeight / rowHeight) + 9);
        const bottom = Math.max(0, count * rowHeight - viewHeight);
        const top = Math.min(one.scrollTop, bottom);
        expect(above).toBeLessThanOrEqual(top);
        expect(end * rowHeight).toBeGreaterThanOrEqual(
          Math.min(top + viewHeight, count * rowHeight),
        );
      }),
      { seed: 1 },
    );
  });
});
