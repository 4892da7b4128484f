import { systemClock } from "@loci/core";
import { expect, test } from "vitest";
import { RestoreGates, gatesMax } from "./restore-gates.ts";

test("a gate opens layer by layer, and starts over when it is closed", () => {
  using gates = new RestoreGates();
  for (let gate = 0; gate < gatesMax; gate++) {
    gates.advance(gate, gate);
    gates.advance(gate, 0);
    expect(gates.layersArrived(gate)).toBe(gate);
  }
  gates.fail(3);
  gates.advance(3, 4);
  expect(gates.hasFailed(3) && !gates.hasFailed(2)).toBe(true);
  expect(gates.layersArrived(3)).toBeGreaterThan(1000);
  gates.close(3);
  expect([gates.layersArrived(3), gates.hasFailed(3), gates.layersArrived(4)]).toEqual([
    0,
    false,
    4,
  ]);
  expect(() => gates.close(gatesMax)).toThrow("a gate of the runner");
});

test("waiting ends with the last gate, and fails what nothing comes through any more", async () => {
  using gates = new RestoreGates();
  const waiting = gates.wait([1, 2], 5, systemClock);
  gates.advance(1, 5);
  gates.advance(2, 5);
  await waiting;
  expect([gates.hasFailed(1), gates.hasFailed(2)]).toEqual([false, false]);
  gates.stallMsMax = 5;
  await gates.wait([1, 3], 5, systemClock);
  expect([gates.hasFailed(1), gates.hasFailed(3)]).toEqual([false, true]);
});

test("a gate that a step looks at is closed for the next restore once the step has ended", () => {
  using gates = new RestoreGates();
  gates.fail(5);
  const release = gates.hold([4, 5]);
  const closed: number[] = [];
  gates.close(5, () => closed.push(5));
  gates.close(6, () => closed.push(6));
  // What the step has to know of the restore that failed is still there.
  expect([closed, gates.hasFailed(5)]).toEqual([[6], true]);
  release();
  expect([closed, gates.hasFailed(5), gates.layersArrived(5)]).toEqual([[6, 5], false, 0]);
});
