// Reads what ByteWriter wrote, from bytes that anybody may have sent: every length is checked against
// what is left before anything is read or allocated. After the first defect it reads nothing but
// zeros, so a caller looks at `isSound` once, at the end.

import type { BlockName } from "@loci/core";

import { nameBytes } from "./byte-writer.ts";

const wordValues = 0x1_0000_0000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

export class ByteReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #isSound = true;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Nothing was missing or malformed so far. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** Everything was read, and nothing was missing or malformed. */
  get isDone(): boolean {
    return this.#isSound && this.#position === this.#bytes.length;
  }

  get bytesLeft(): number {
    return this.#isSound ? this.#bytes.length - this.#position : 0;
  }

  /** From now on it reads zeros. */
  fail(): void {
    this.#isSound = false;
  }

  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  integer(): number {
    let value = 0;
    let weight = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (value > Number.MAX_SAFE_INTEGER) this.fail();
      if (!this.#isSound) return 0;
      if (byte < 0x80) return value;
      weight *= 0x80;
      if (weight > Number.MAX_SAFE_INTEGER) this.fail();
    }
  }

  /** An integer of at most `max`. */
  integerUpTo(max: number): number {
    const value = this.integer();
    if (value <= max) return value;
    this.fail();
    return 0;
  }

  names(count: number): Float64Array {
    if (count * nameBytes > this.bytesLeft) this.fail();
    if (!this.#isSound) return new Float64Array(0);
    const names = new Float64Array(count);
    for (let index = 0; index < count; index++) names[index] = this.#name();
    return names;
  }

  shortText(): string {
    const bytes = this.#take(this.byte());
    try {
      return utf8.decode(bytes);
    } catch {
      this.fail();
      return "";
    }
  }

  raw(length: number): Uint8Array {
    return this.#take(length);
  }

  #name(): BlockName {
    const bytes = this.#take(nameBytes);
    const byteAt = (index: number): number => bytes[index] ?? 0;
    const low = byteAt(0) | (byteAt(1) << 8) | (byteAt(2) << 16) | (byteAt(3) << 24);
    const high = byteAt(4) | (byteAt(5) << 8) | (byteAt(6) << 16);
    if (high > 0x1fffff) this.fail();
    return high * wordValues + (low >>> 0);
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#position) this.fail();
    if (!this.#isSound) return new Uint8Array(0);
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }
}
