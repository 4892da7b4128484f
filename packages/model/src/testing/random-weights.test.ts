import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { halfBits, randomRowBytes, type RandomRows } from "./random-weights.ts";

/** A half-precision number from its bits, by definition. */
function fromHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return exponent === 0 ? sign * fraction * 2 ** -14 : sign * (1 + fraction) * 2 ** (exponent - 15);
}

test("half precision rounds to within half a unit in the last place", () => {
  const magnitudes = fc.double({ min: -60_000, max: 60_000, noNaN: true });
  const small = fc.double({ min: -1e-3, max: 1e-3, noNaN: true });
  fc.assert(
    fc.property(fc.oneof(magnitudes, small), (value) => {
      const unit = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(Math.abs(value) || 1)) - 10));
      expect(Math.abs(fromHalf(halfBits(value)) - value)).toBeLessThanOrEqual(unit / 2);
    }),
    { seed: 1 },
  );
});

const rows: RandomRows = {
  rowLength: 256,
  rowCount: 64,
  mean: 0,
  deviation: 0.05,
  dampedRows: new Set([3]),
  seed: 11,
};

function noQuantizer(): Uint8Array {
  throw new Error("not needed");
}

function bytesOf(typeName: string, options: RandomRows = rows): Buffer {
  return Buffer.concat([...randomRowBytes(typeName, options, noQuantizer)]);
}

/** The numbers that the bytes stand for, by each format's definition. */
const decoders: Readonly<Record<string, (bytes: Buffer) => number[]>> = {
  f32: (bytes) => [...new Float32Array(new Uint8Array(bytes).buffer)],
  f16: (bytes) => Array.from(new Uint16Array(new Uint8Array(bytes).buffer), fromHalf),
  bf16: (bytes) => {
    const words = Uint32Array.from(new Uint16Array(new Uint8Array(bytes).buffer), (w) => w << 16);
    return [...new Float32Array(words.buffer)];
  },
  q8_0: (bytes) =>
    blocks(bytes, 34).flatMap((block) => {
      const scale = fromHalf(block.readUInt16LE(0));
      return Array.from({ length: 32 }, (_, index) => scale * block.readInt8(2 + index));
    }),
  q4_0: (bytes) =>
    blocks(bytes, 18).flatMap((block) => {
      const scale = fromHalf(block.readUInt16LE(0));
      const nibble = (index: number): number =>
        index < 16 ? (block[2 + index] ?? 0) & 15 : (block[index - 14] ?? 0) >> 4;
      return Array.from({ length: 32 }, (_, index) => scale * (nibble(index) - 8));
    }),
};

function blocks(bytes: Buffer, size: number): Buffer[] {
  return Array.from({ length: bytes.length / size }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

describe.each(Object.keys(decoders))("%s", (typeName) => {
  const decode = decoders[typeName] ?? (() => []);

  test("values have the deviation asked for, damped rows a tenth of it", () => {
    const values = decode(bytesOf(typeName));
    expect(values).toHaveLength(rows.rowCount * rows.rowLength);
    const plain = values.filter((_, index) => Math.floor(index / rows.rowLength) !== 3);
    const damped = values.slice(3 * rows.rowLength, 4 * rows.rowLength);
    expect(deviation(plain) / rows.deviation).toBeCloseTo(1, 1);
    expect(deviation(damped) / rows.deviation).toBeCloseTo(0.1, 1);
  });

  test("the seed decides every byte", () => {
    expect(bytesOf(typeName).equals(bytesOf(typeName))).toBe(true);
    expect(bytesOf(typeName).equals(bytesOf(typeName, { ...rows, seed: 12 }))).toBe(false);
  });
});

test("q8_0 holds no -128, which quantising never makes", () => {
  const lowest = blocks(bytesOf("q8_0", { ...rows, rowCount: 512 }), 34).some((block) =>
    block.subarray(2).includes(128),
  );
  expect(lowest).toBe(false);
});
