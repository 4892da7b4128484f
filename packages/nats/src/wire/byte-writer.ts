// Appends numbers, names and texts to a buffer that grows up to a bound.

import { assert } from "@loci/core";
import type { BlockName } from "@loci/core";

/** Bytes of a 53-bit name. */
export const nameBytes = 7;

const wordValues = 0x1_0000_0000;
const utf8 = new TextEncoder();

export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(bytesExpected: number) {
    this.#bytes = new Uint8Array(Math.max(16, bytesExpected));
  }

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** A safe integer from 0, seven bits a byte, low ones first. */
  integer(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, "only safe integers from 0 are written");
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  names(names: ArrayLike<BlockName>): void {
    this.#reserve(names.length * nameBytes);
    for (let index = 0; index < names.length; index++) this.#name(names[index] ?? 0);
  }

  /** Its length, at most 255 bytes, then the text. */
  shortText(text: string): void {
    const bytes = utf8.encode(text);
    assert(bytes.length <= 255, "a short text has at most 255 bytes");
    this.byte(bytes.length);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was written; the writer is not to be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #name(name: BlockName): void {
    const low = name % wordValues;
    const high = Math.floor(name / wordValues);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = low;
    bytes[at++] = low >>> 8;
    bytes[at++] = low >>> 16;
    bytes[at++] = low >>> 24;
    bytes[at++] = high;
    bytes[at++] = high >>> 8;
    bytes[at++] = high >>> 16;
    this.#length = at;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
