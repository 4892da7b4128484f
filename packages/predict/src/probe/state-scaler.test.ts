import { Random } from "@loci/core";
import { describe, expect, test } from "vitest";
import { StateScaler } from "./state-scaler.ts";

/** States around a mean, one component of them far larger than the rest. */
function states(count: number, length: number, seed: number): Float32Array[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length }, (_, index) => {
      const noise = random.next() - 0.5;
      return index === 3 ? 1000 + 50 * noise : noise;
    }),
  );
}

function scaled(scaler: StateScaler, state: Float32Array): Float32Array {
  const inputs = new Float32Array(scaler.inputSize);
  scaler.scale(state, inputs);
  return inputs;
}

function distance(one: Float32Array, other: Float32Array): number {
  return Math.hypot(...one.map((value, index) => value - (other[index] ?? Number.NaN)));
}

describe("StateScaler", () => {
  test("components come out alike, the large ones too", () => {
    const scaler = new StateScaler(16, 1);
    const seen = states(500, 16, 2);
    for (const state of seen) expect(scaler.see(state)).toBe(true);
    const inputs = seen.map((state) => scaled(scaler, state));
    for (let index = 0; index < 16; index++) {
      const values = inputs.map((each) => each[index] ?? Number.NaN);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const square = values.reduce((sum, value) => sum + value * value, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(0.05);
      expect(Math.abs(square - 1)).toBeLessThan(0.1);
    }
  });

  test("shortening keeps distances, roughly", () => {
    const scaler = new StateScaler(4096, 7);
    const whole = new StateScaler(512, 7);
    expect([scaler.inputSize, whole.inputSize]).toEqual([512, 512]);
    const seen = states(60, 4096, 3);
    for (const state of seen) scaler.see(state);
    const [first, second, third] = seen;
    if (first === undefined || second === undefined || third === undefined) return;
    // Halfway between two states lies at half the distance.
    const middle = first.map((value, index) => (value + (second[index] ?? 0)) / 2);
    const inputs = [first, second, middle, third].map((state) => scaled(scaler, state));
    const [one, other, between, far] = inputs;
    if (one === undefined || other === undefined || between === undefined || far === undefined) {
      return;
    }
    expect(distance(one, between) / distance(one, other)).toBeCloseTo(0.5, 3);
    expect(distance(one, far) / distance(one, other)).toBeGreaterThan(0.8);
    expect(distance(one, far) / distance(one, other)).toBeLessThan(1.25);
  });

  test("a state that is not all numbers, or absurd, is refused and leaves no trace", () => {
    const scaler = new StateScaler(4, 1);
    for (const state of states(20, 4, 4)) scaler.see(state);
    const state = Float32Array.of(1, 2, 3, 4);
    const before = scaled(scaler, state);
    for (const bad of [Number.NaN, Infinity, -Infinity, 1e30]) {
      expect(scaler.see(Float32Array.of(1, bad, 3, 4))).toBe(false);
    }
    expect(scaled(scaler, state)).toEqual(before);
  });

  test("a component that never changes says nothing", () => {
    const scaler = new StateScaler(2, 1);
    for (const value of [1, 2, 3, 4]) scaler.see(Float32Array.of(value, 7));
    expect(scaled(scaler, Float32Array.of(2, 7))[1]).toBe(0);
  });
});
