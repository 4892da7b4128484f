import { describe, expect, it } from "vitest";
import { EventOrder } from "./event-order.ts";

function take(order: EventOrder, ...sequences: readonly number[]): readonly string[] {
  return sequences.map((sequence) => {
    const verdict = order.live(sequence);
    if (verdict === "take" || verdict === "gap") order.taken(sequence, true);
    order.checkIntegrity();
    return verdict;
  });
}

describe("EventOrder", () => {
  it("takes what follows and sees what is missing", () => {
    expect(take(new EventOrder(), 0, 1, 2, 5, 6)).toEqual(["take", "take", "take", "gap", "take"]);
  });

  it("skips what a replay brought, then goes on", () => {
    const order = new EventOrder();
    for (const sequence of [0, 1, 2, 3]) order.taken(sequence, false);
    expect(take(order, 2, 3, 4)).toEqual(["skip", "skip", "take"]);
  });

  it("takes an old number for a new life", () => {
    const order = new EventOrder();
    take(order, 0, 1, 2);
    expect(order.live(0)).toBe("restarted");
    order.reset();
    expect(take(order, 0, 1)).toEqual(["take", "take"]);
  });
});
