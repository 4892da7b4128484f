// What the probe has learned, as bytes for a file: all of its numbers in a fixed order, behind a
// head that says of which model's states and of which layout they are, before a checksum.
//
//   bytes   0 mark  4 version  8 hidden size  12 seed  16 count  20 numbers (f32) ...  end checksum
//
// Little-endian throughout.

import { at } from "../at.ts";

/** Numbers that are kept over restarts; saved from here and restored to here. */
export interface KeptNumbers {
  readonly values: Float32Array;
  /** None may be smaller; absent: any will do. */
  readonly least?: number;
}

/** Numbers of another kind mean nothing to each other. */
export interface NumbersKind {
  readonly hiddenSize: number;
  readonly seed: number;
}

const mark = 0x4252_504c;
const version = 1;
const headBytes = 20;
const checksumBytes = 4;
const numberBytes = 4;

export function writeNumbers(kind: NumbersKind, numbers: readonly KeptNumbers[]): Uint8Array {
  const count = countOf(numbers);
  const bytes = new Uint8Array(headBytes + count * numberBytes + checksumBytes);
  const view = new DataView(bytes.buffer);
  const head = [mark, version, kind.hiddenSize, kind.seed, count];
  for (const [index, value] of head.entries()) view.setUint32(index * 4, value, true);
  let offset = headBytes;
  for (const { values } of numbers) {
    for (const value of values) {
      view.setFloat32(offset, value, true);
      offset += numberBytes;
    }
  }
  view.setUint32(offset, checksum(bytes, offset), true);
  return bytes;
}

/** Takes the numbers up. False, and nothing changed, when the bytes are not of this kind, or not whole. */
export function readNumbers(
  bytes: Uint8Array,
  kind: NumbersKind,
  numbers: readonly KeptNumbers[],
): boolean {
  const count = countOf(numbers);
  const end = headBytes + count * numberBytes;
  if (bytes.length !== end + checksumBytes) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = [mark, version, kind.hiddenSize, kind.seed, count];
  if (head.some((value, index) => view.getUint32(index * 4, true) !== value >>> 0)) return false;
  if (view.getUint32(end, true) !== checksum(bytes, end)) return false;
  const found = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    found[index] = view.getFloat32(headBytes + index * numberBytes, true);
  }
  let offset = 0;
  for (const { values, least = -Infinity } of numbers) {
    for (let index = offset; index < offset + values.length; index++) {
      const value = at(found, index);
      if (!Number.isFinite(value) || value < least) return false;
    }
    offset += values.length;
  }
  offset = 0;
  for (const { values } of numbers) {
    values.set(found.subarray(offset, offset + values.length));
    offset += values.length;
  }
  return true;
}

function countOf(numbers: readonly KeptNumbers[]): number {
  return numbers.reduce((sum, { values }) => sum + values.length, 0);
}

/** FNV-1a over the first `end` bytes: tells torn and spoilt files, not forged ones. */
function checksum(bytes: Uint8Array, end: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < end; index++) {
    hash = Math.imul(hash ^ (bytes[index] ?? 0), 0x01000193);
  }
  return hash >>> 0;
}
