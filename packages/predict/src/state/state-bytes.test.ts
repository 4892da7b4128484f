// What is written is read; what is damaged, of another kind or out of bounds is refused at once,
// whatever its bytes promise.

import { expect, it } from "vitest";
import { StateReader, StateWriter } from "./state-bytes.ts";

const any = { min: 0, max: 1000 };

function example(): Uint8Array {
  const writer = new StateWriter();
  writer.whole(7);
  writer.number(-1.5);
  writer.numbers([1, 2, 3]);
  writer.singles(Float32Array.of(0.5, 8));
  writer.wholes([9, 10]);
  writer.shorts(Uint16Array.of(11, 65_535));
  writer.text("grüße");
  writer.bytes(Uint8Array.of(1, 2, 3));
  return writer.finish(3, 2);
}

it("reads what was written", () => {
  const reader = StateReader.open(example(), 3, 2);
  expect(reader?.whole(any)).toBe(7);
  expect(reader?.number({ min: -2, max: 0 })).toBe(-1.5);
  expect(reader?.numbers(any, any)).toEqual([1, 2, 3]);
  expect(reader?.singles(any, any)).toEqual(Float32Array.of(0.5, 8));
  expect(reader?.wholes(any, any)).toEqual([9, 10]);
  expect(reader?.shorts(any)).toEqual(Uint16Array.of(11, 65_535));
  expect(reader?.text(20)).toBe("grüße");
  expect(reader?.isWhole()).toBe(false);
  expect(reader?.bytes(3)).toEqual(Uint8Array.of(1, 2, 3));
  expect(reader?.isWhole()).toBe(true);
});

it("grows with what is written", () => {
  const writer = new StateWriter();
  const many = Array.from({ length: 5000 }, (_, i) => i);
  writer.wholes(many);
  const reader = StateReader.open(writer.finish(1, 1), 1, 1);
  expect(reader?.wholes({ min: 0, max: 5000 }, { min: 0, max: 5000 })).toEqual(many);
});

it("refuses other kinds and versions, and any damage", () => {
  const bytes = example();
  expect(StateReader.open(bytes, 4, 2)).toBeNull();
  expect(StateReader.open(bytes, 3, 1)).toBeNull();
  for (let length = 0; length < bytes.length; length++) {
    expect(StateReader.open(bytes.slice(0, length), 3, 2)).toBeNull();
  }
  for (let place = 0; place < bytes.length; place++) {
    const spoilt = bytes.slice();
    spoilt[place] = (spoilt[place] ?? 0) ^ 0x10;
    expect(StateReader.open(spoilt, 3, 2)).toBeNull();
  }
});

it("fails for good at the first field out of bounds", () => {
  const reader = StateReader.open(example(), 3, 2);
  expect(reader?.whole({ min: 0, max: 6 })).toBe(0);
  expect(reader?.hasFailed).toBe(true);
  expect(reader?.numbers(any, any)).toEqual([]);
  expect(reader?.text(20)).toBe("");
  expect(reader?.isWhole()).toBe(false);
});

it("makes nothing of a length that promises more than there is", () => {
  const writer = new StateWriter();
  writer.whole(4_000_000_000);
  const reader = StateReader.open(writer.finish(1, 1), 1, 1);
  expect(reader?.numbers({ min: 0, max: 2 ** 32 }, any)).toEqual([]);
  expect(reader?.isWhole()).toBe(false);
});

it("does not take what is no number", () => {
  const writer = new StateWriter();
  writer.number(Number.NaN);
  const reader = StateReader.open(writer.finish(1, 1), 1, 1);
  reader?.number({ min: -Infinity, max: Infinity });
  expect(reader?.hasFailed).toBe(true);
});
