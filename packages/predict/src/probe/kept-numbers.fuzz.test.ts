// The bytes of a file may be anything: they are taken up whole or not at all.

import { assert, integer, nat, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { readNumbers, writeNumbers } from "./kept-numbers.ts";

const kind = { hiddenSize: 8, seed: 3 };
const numbers = () => [
  { values: Float32Array.of(1.5, -2, 3) },
  { values: Float32Array.of(0, 4), least: 0 },
];
const zeros = () => [{ values: new Float32Array(3) }, { values: new Float32Array(2), least: 0 }];

test("numbers come back as they were", () => {
  const target = zeros();
  expect(readNumbers(writeNumbers(kind, numbers()), kind, target)).toBe(true);
  expect(target).toEqual(numbers());
});

test("numbers of another model, seed or layout are refused", () => {
  const bytes = writeNumbers(kind, numbers());
  const target = zeros();
  expect(readNumbers(bytes, { ...kind, hiddenSize: 9 }, target)).toBe(false);
  expect(readNumbers(bytes, { ...kind, seed: 4 }, target)).toBe(false);
  expect(readNumbers(bytes, kind, target.slice(1))).toBe(false);
  expect(target).toEqual(zeros());
});

test("numbers that cannot be are refused", () => {
  for (const bad of [Number.NaN, Infinity, -1]) {
    const written = writeNumbers(kind, [
      { values: Float32Array.of(1, 2, 3) },
      { values: Float32Array.of(1, bad) },
    ]);
    const target = zeros();
    expect(readNumbers(written, kind, target)).toBe(false);
    expect(target).toEqual(zeros());
  }
});

test("one changed byte, a missing or an added one, or anything else is refused", () => {
  const bytes = writeNumbers(kind, numbers());
  const target = zeros();
  assert(
    property(nat(bytes.length - 1), integer({ min: 1, max: 255 }), (place, change) => {
      const spoilt = bytes.slice();
      spoilt[place] = (spoilt[place] ?? 0) ^ change;
      expect(readNumbers(spoilt, kind, target)).toBe(false);
      expect(readNumbers(bytes.subarray(0, place), kind, target)).toBe(false);
    }),
    { numRuns: 500, seed: 4 },
  );
  assert(
    property(uint8Array({ maxLength: 80 }), (random) => {
      expect(readNumbers(random, kind, target)).toBe(false);
    }),
    { numRuns: 500, seed: 5 },
  );
  expect(readNumbers(Uint8Array.from([...bytes, 0]), kind, target)).toBe(false);
  expect(target).toEqual(zeros());
});
