// What a predictor learned, as bytes for a file: a kind, a version, a length, a checksum, and then
// plain little-endian fields. Nothing read back is trusted: a reader that meets something out of
// bounds fails from there on and says so once at the end, instead of throwing in the middle.

const magic = 0x6c6f6369;
const headerBytes = 20;
const blankBytes = new Uint8Array(0);

/** Collects fields; `finish` puts the header before them. */
export class StateWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = headerBytes;

  whole(value: number): void {
    this.#room(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  number(value: number): void {
    this.#room(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  numbers(values: ArrayLike<number>): void {
    this.whole(values.length);
    for (let i = 0; i < values.length; i++) this.number(values[i] ?? 0);
  }

  singles(values: Float32Array): void {
    this.whole(values.length);
    this.#room(values.length * 4);
    for (const value of values) {
      this.#view.setFloat32(this.#length, value, true);
      this.#length += 4;
    }
  }

  wholes(values: ArrayLike<number>): void {
    this.whole(values.length);
    for (let i = 0; i < values.length; i++) this.whole(values[i] ?? 0);
  }

  shorts(values: Uint16Array): void {
    this.whole(values.length);
    this.#room(values.length * 2);
    for (const value of values) {
      this.#view.setUint16(this.#length, value, true);
      this.#length += 2;
    }
  }

  text(value: string): void {
    this.bytes(new TextEncoder().encode(value));
  }

  bytes(value: Uint8Array): void {
    this.whole(value.length);
    this.#room(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  finish(kind: number, version: number): Uint8Array {
    this.#view.setUint32(0, magic, true);
    this.#view.setUint32(4, kind, true);
    this.#view.setUint32(8, version, true);
    this.#view.setUint32(12, this.#length - headerBytes, true);
    this.#view.setUint32(16, checksum(this.#bytes, headerBytes, this.#length), true);
    return this.#bytes.slice(0, this.#length);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Bounds of a field that is read. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Reads what `StateWriter` wrote. After a failure each field reads as 0 or as nothing. */
export class StateReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = headerBytes;
  #failed = false;

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Null when the bytes are not of this kind and version, or are damaged. */
  static open(bytes: Uint8Array, kind: number, version: number): StateReader | null {
    if (bytes.length < headerBytes) return null;
    const reader = new StateReader(bytes);
    const words = [0, 4, 8, 12, 16].map((offset) => reader.#view.getUint32(offset, true));
    const sum = checksum(bytes, headerBytes, bytes.length);
    const expected = [magic, kind, version, bytes.length - headerBytes, sum];
    return words.every((word, i) => word === expected[i]) ? reader : null;
  }

  whole(bounds: Bounds): number {
    return this.#within(
      this.#take(4, (offset) => this.#view.getUint32(offset, true)),
      bounds,
    );
  }

  number(bounds: Bounds): number {
    return this.#within(
      this.#take(8, (offset) => this.#view.getFloat64(offset, true)),
      bounds,
    );
  }

  /** `count` gives the bounds of how many there may be. */
  numbers(count: Bounds, bounds: Bounds): number[] {
    return this.#many(count, 8, () => this.number(bounds));
  }

  singles(count: Bounds, bounds: Bounds): Float32Array {
    const read = (offset: number): number => this.#view.getFloat32(offset, true);
    return Float32Array.from(this.#many(count, 4, () => this.#within(this.#take(4, read), bounds)));
  }

  wholes(count: Bounds, bounds: Bounds): number[] {
    return this.#many(count, 4, () => this.whole(bounds));
  }

  shorts(count: Bounds): Uint16Array {
    const read = (offset: number): number => this.#view.getUint16(offset, true);
    return Uint16Array.from(this.#many(count, 2, () => this.#take(2, read)));
  }

  text(lengthMax: number): string {
    return new TextDecoder().decode(this.bytes(lengthMax));
  }

  bytes(lengthMax: number): Uint8Array {
    const length = this.whole({ min: 0, max: lengthMax });
    const start = this.#offset;
    if (this.#failed || start + length > this.#bytes.length) {
      this.#failed = true;
      return blankBytes;
    }
    this.#offset += length;
    return this.#bytes.slice(start, this.#offset);
  }

  /** For a check of the caller's own. */
  require(condition: boolean): void {
    if (!condition) this.#failed = true;
  }

  get hasFailed(): boolean {
    return this.#failed;
  }

  /** True when every field was there, within its bounds, and nothing is left over. */
  isWhole(): boolean {
    return !this.#failed && this.#offset === this.#bytes.length;
  }

  #many(count: Bounds, bytesEach: number, read: () => number): number[] {
    const length = this.whole(count);
    // Before anything is made: a length may promise more than there is.
    if (this.#failed || this.#offset + length * bytesEach > this.#bytes.length) {
      this.#failed = true;
      return [];
    }
    return Array.from({ length }, read);
  }

  #take(bytes: number, read: (offset: number) => number): number {
    if (this.#failed || this.#offset + bytes > this.#bytes.length) {
      this.#failed = true;
      return 0;
    }
    const value = read(this.#offset);
    this.#offset += bytes;
    return value;
  }

  #within(value: number, { min, max }: Bounds): number {
    if (value >= min && value <= max) return value;
    this.#failed = true;
    return min;
  }
}

/** FNV-1a over bytes [from, to): against damage, not against an attacker. */
function checksum(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return hash >>> 0;
}
