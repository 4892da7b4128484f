import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BoundedQueue } from "./bounded-queue.ts";

describe("BoundedQueue", () => {
  it("keeps order, refuses what exceeds its weight, and says so", () => {
    const queue = new BoundedQueue<string>(3);
    expect(queue.tryPush("a")).toBe(true);
    expect(queue.tryPush("b", 2)).toBe(true);
    expect(queue.tryPush("c")).toBe(false);
    expect(queue.tryPush("free", 0)).toBe(true);
    expect([queue.tryShift(), queue.weight, queue.size]).toEqual(["a", 2, 2]);
    expect([queue.tryShift(), queue.tryShift(), queue.tryShift()]).toEqual(["b", "free", null]);
  });

  it("equals an array with a bound", () => {
    const operation = fc.oneof(
      fc.record({ weight: fc.integer({ min: 0, max: 9 }) }),
      fc.constant(null),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 600 }), (operations) => {
        const queue = new BoundedQueue<number>(400);
        const model: { value: number; weight: number }[] = [];
        const weight = (): number => model.reduce((sum, item) => sum + item.weight, 0);
        for (const [value, push] of operations.entries()) {
          const fits = push !== null && weight() + push.weight <= 400;
          const answer = push === null ? queue.tryShift() : queue.tryPush(value, push.weight);
          const expected = push === null ? (model.shift()?.value ?? null) : fits;
          expect(answer).toBe(expected);
          if (push !== null && fits) model.push({ value, weight: push.weight });
          expect([queue.size, queue.weight]).toEqual([model.length, weight()]);
        }
        queue.checkIntegrity();
      }),
      { numRuns: 50, seed: 1 },
    );
  });
});
