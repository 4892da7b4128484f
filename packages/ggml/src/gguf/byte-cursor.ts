// Walks a byte source from its start through one window of memory. Every length is compared with
// the bytes that remain before anything is allocated for it; numbers are little-endian.

import { assert, LociError } from "@loci/core";
import type { ByteSource } from "./byte-source.ts";
import { decodeRun } from "./decode-run.ts";

const windowBytes = 1024 * 1024;
const two32 = 0x1_0000_0000;

export class ByteCursor {
  readonly path: string;
  readonly #source: ByteSource;
  /** Reading stops here: the end of the file or the cap on the header, whichever is first. */
  readonly #end: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #position = 0;

  constructor(source: ByteSource, path: string, bytesMax: number) {
    assert(Number.isSafeInteger(source.byteLength), "source length is a safe integer");
    this.path = path;
    this.#source = source;
    this.#end = Math.min(source.byteLength, bytesMax);
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#end - this.#position;
  }

  /** The error for what was found at `offset` (default: here). */
  invalid(what: string, offset: number = this.#position): LociError {
    return new LociError(
      "model_file_invalid",
      `${this.path} is not a valid GGUF file: ${what} (at byte ${offset}).`,
      { remedy: "Download or convert the file again." },
    );
  }

  uint8(): number {
    return this.#window.readUInt8(this.#take(1));
  }

  int8(): number {
    return this.#window.readInt8(this.#take(1));
  }

  uint16(): number {
    return this.#window.readUInt16LE(this.#take(2));
  }

  int16(): number {
    return this.#window.readInt16LE(this.#take(2));
  }

  uint32(): number {
    return this.#window.readUInt32LE(this.#take(4));
  }

  int32(): number {
    return this.#window.readInt32LE(this.#take(4));
  }

  float32(): number {
    return this.#window.readFloatLE(this.#take(4));
  }

  float64(): number {
    return this.#window.readDoubleLE(this.#take(8));
  }

  uint64(): bigint {
    return this.#window.readBigUInt64LE(this.#take(8));
  }

  int64(): bigint {
    return this.#window.readBigInt64LE(this.#take(8));
  }

  /** A 64-bit count of things that take at least `elementBytes` each of what remains. */
  count(elementBytes: number, most: number, what: string): number {
    const offset = this.#position;
    const at = this.#take(8);
    const high = this.#window.readUInt32LE(at + 4);
    const value = high * two32 + this.#window.readUInt32LE(at);
    // Above 2^53 the sum is inexact but still far above every limit.
    if (value > most || value * elementBytes > this.remaining) {
      const exact = this.#window.readBigUInt64LE(at);
      throw this.invalid(
        `${what} is ${exact}, more than the file can hold or loci accepts`,
        offset,
      );
    }
    return value;
  }

  /** Text of `bytes` bytes; invalid UTF-8 becomes U+FFFD. */
  text(bytes: number): string {
    const at = this.#take(bytes);
    return this.#window.toString("utf8", at, at + bytes);
  }

  /** `count` texts, each after its 64-bit length of at most `bytesMax`. */
  texts(count: number, bytesMax: number, what: string): readonly string[] {
    const texts: string[] = [];
    while (texts.length < count) {
      const start = this.#position - this.#windowStart;
      const end = decodeRun(this.#window, start, count - texts.length, texts);
      this.#position += end - start;
      // What stopped the run is long or crosses the window's edge; it goes the checked way.
      if (texts.length < count) texts.push(this.text(this.count(1, bytesMax, what)));
    }
    return texts;
  }

  /** Text whose every byte is one character: names that must be compared byte by byte. */
  byteText(bytes: number): string {
    const at = this.#take(bytes);
    return this.#window.toString("latin1", at, at + bytes);
  }

  /** Copies the next bytes over all of `target`. */
  copyInto(target: Uint8Array): void {
    const bytes = target.byteLength;
    if (bytes <= windowBytes) {
      const at = this.#take(bytes);
      this.#window.copy(target, 0, at, at + bytes);
      return;
    }
    this.#require(bytes);
    this.#read(target, this.#position);
    this.#position += bytes;
  }

  /** Moves past `bytes` bytes and returns where they start in the window. */
  #take(bytes: number): number {
    let at = this.#position - this.#windowStart;
    if (at + bytes > this.#window.byteLength) {
      this.#require(bytes);
      this.#refill(bytes);
      at = 0;
    }
    this.#position += bytes;
    return at;
  }

  #require(bytes: number): void {
    if (bytes <= this.remaining) return;
    const cut = this.#end < this.#source.byteLength;
    throw this.invalid(
      cut
        ? `its header is larger than ${this.#end} bytes, the most loci accepts`
        : `the file ends here, but ${bytes} more bytes belong to it`,
    );
  }

  #refill(bytes: number): void {
    const size = Math.min(Math.max(bytes, windowBytes), this.remaining);
    if (size > this.#window.byteLength || size < this.#window.byteLength / 2) {
      this.#window = Buffer.allocUnsafeSlow(size);
    } else {
      this.#window = this.#window.subarray(0, size);
    }
    this.#windowStart = this.#position;
    this.#read(this.#window, this.#position);
  }

  #read(target: Uint8Array, offset: number): void {
    if (this.#source.read(target, offset) === target.byteLength) return;
    throw new LociError("model_file_changed", `${this.path} became shorter while it was read.`, {
      remedy: "Start again when nothing writes to the file.",
    });
  }
}
