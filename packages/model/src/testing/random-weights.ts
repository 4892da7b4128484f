// Random weights as the bytes of a tensor, in slices of whole rows so that a file of many
// gigabytes needs little memory. The common types are drawn as valid blocks directly, hundreds of
// megabytes a second; the others are drawn as f32 and quantised by ggml.

import { assert, Random } from "@loci/core";

/** Quantises whole rows of f32 values. */
export type RowQuantizer = (
  typeName: string,
  values: Float32Array,
  rowLength: number,
) => Uint8Array;

export interface RandomRows {
  readonly rowLength: number;
  readonly rowCount: number;
  readonly mean: number;
  readonly deviation: number;
  /** Rows with a tenth of the values, among all slices of a stacked tensor. */
  readonly dampedRows: ReadonlySet<number>;
  readonly seed: number;
}

const blockElements = 32;
const dampedScale = 0.1;
/** Weights drawn at once. */
const sliceElementsMax = 1 << 21;
const sqrt12 = Math.sqrt(12);

/** Yields the rows' bytes in file order. `quantize` is asked only for types not drawn here. */
export function* randomRowBytes(
  typeName: string,
  rows: RandomRows,
  quantize: RowQuantizer,
): Generator<Uint8Array> {
  const rowsPerSlice = Math.max(1, Math.floor(sliceElementsMax / rows.rowLength));
  const words = new Words(rows.seed);
  for (let row = 0; row < rows.rowCount; row += rowsPerSlice) {
    const count = Math.min(rowsPerSlice, rows.rowCount - row);
    yield sliceBytes(typeName, { ...rows, firstRow: row, count, words }, quantize);
  }
}

interface Slice extends RandomRows {
  readonly firstRow: number;
  readonly count: number;
  readonly words: Words;
}

function sliceBytes(typeName: string, slice: Slice, quantize: RowQuantizer): Uint8Array {
  switch (typeName) {
    case "q8_0":
      return q8Blocks(slice);
    case "q4_0":
      return q4Blocks(slice);
    case "f32":
      return bytesOf(floats(slice));
    case "f16":
      return bytesOf(converted(floats(slice), halfBits));
    case "bf16":
      return bytesOf(converted(new Uint32Array(floats(slice).buffer), bfloatBits));
    default:
      return quantize(typeName, floats(slice), slice.rowLength);
  }
}

function scaleOfRow(slice: Slice, row: number): number {
  return slice.dampedRows.has(slice.firstRow + row) ? dampedScale : 1;
}

/** Uniform values of the wanted mean and deviation. */
function floats(slice: Slice): Float32Array {
  const values = new Float32Array(slice.count * slice.rowLength);
  for (let row = 0; row < slice.count; row++) {
    const scale = scaleOfRow(slice, row);
    const step = (scale * slice.deviation * sqrt12) / 0x1_0000_0000;
    const low = scale * (slice.mean - (slice.deviation * sqrt12) / 2);
    const end = (row + 1) * slice.rowLength;
    for (let at = row * slice.rowLength; at < end; at++)
      values[at] = low + slice.words.next() * step;
  }
  return values;
}

/** Blocks of a half-precision scale and 32 signed bytes, evenly spread over -127 to 127. */
function q8Blocks(slice: Slice): Uint8Array {
  const deviationOfByte = Math.sqrt((255 * 255 - 1) / 12);
  return blocks(slice, { payloadBytes: 32, deviationOfUnit: deviationOfByte, bansLowest: true });
}

/** Blocks of a half-precision scale and 32 nibbles, of which 8 is subtracted. */
function q4Blocks(slice: Slice): Uint8Array {
  const deviationOfNibble = Math.sqrt((16 * 16 - 1) / 12);
  return blocks(slice, { payloadBytes: 16, deviationOfUnit: deviationOfNibble, bansLowest: false });
}

interface BlockLayout {
  readonly payloadBytes: number;
  readonly deviationOfUnit: number;
  /** -128 never comes from quantising, so kernels need not expect it. */
  readonly bansLowest: boolean;
}

function blocks(slice: Slice, layout: BlockLayout): Uint8Array {
  assert(slice.rowLength % blockElements === 0, "rows are whole blocks");
  const blockBytes = 2 + layout.payloadBytes;
  const blocksPerRow = slice.rowLength / blockElements;
  const bytes = new Uint8Array(slice.count * blocksPerRow * blockBytes);
  slice.words.fillBytes(bytes);
  if (layout.bansLowest)
    for (let at = 0; at < bytes.length; at++) if (bytes[at] === 128) bytes[at] = 0;
  let at = 0;
  for (let row = 0; row < slice.count; row++) {
    const unit = (scaleOfRow(slice, row) * slice.deviation) / layout.deviationOfUnit;
    const bits = halfBits(unit);
    for (let block = 0; block < blocksPerRow; block++) {
      // Either sign: nibbles lean to the negative side by half a unit.
      const signed = (slice.words.next() & 1) === 0 ? bits : bits | 0x8000;
      bytes[at] = signed & 0xff;
      bytes[at + 1] = signed >>> 8;
      at += blockBytes;
    }
  }
  return bytes;
}

/** The nearest half-precision number's bits; for magnitudes below 65,504. */
export function halfBits(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  assert(magnitude < 65_504, "a weight fits half precision");
  // Below 2^-14 halves are multiples of 2^-24.
  if (magnitude < 2 ** -14) return sign | Math.round(magnitude * 2 ** 24);
  let exponent = Math.floor(Math.log2(magnitude));
  if (2 ** exponent > magnitude) exponent--;
  const mantissa = Math.round((magnitude / 2 ** exponent - 1) * 1024);
  // A mantissa that rounds up to 1,024 carries into the exponent, as it should.
  return sign | (((exponent + 15) << 10) + mantissa);
}

/** The upper half of an f32's bits, rounded to nearest. */
function bfloatBits(word: number): number {
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** `Uint16Array.from` with a function would go through an iterator, ten times slower. */
function converted(
  values: Float32Array | Uint32Array,
  convert: (value: number) => number,
): Uint16Array {
  const result = new Uint16Array(values.length);
  for (let at = 0; at < values.length; at++) result[at] = convert(values[at] ?? 0);
  return result;
}

function bytesOf(array: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Marsaglia's xorshift128: fast words for bulk data; the seed is spread by core's generator. */
class Words {
  #first: number;
  #second: number;
  #third: number;
  #fourth: number;

  constructor(seed: number) {
    const random = new Random(seed);
    const word = (): number => random.integer(1, 0xffff_ffff) | 0;
    this.#first = word();
    this.#second = word();
    this.#third = word();
    this.#fourth = word();
  }

  /** The next unsigned 32-bit word. */
  next(): number {
    let mixed = this.#fourth;
    mixed ^= mixed << 11;
    mixed ^= mixed >>> 8;
    this.#fourth = this.#third;
    this.#third = this.#second;
    this.#second = this.#first;
    this.#first = mixed ^ this.#second ^ (this.#second >>> 19);
    return this.#first >>> 0;
  }

  fillBytes(bytes: Uint8Array): void {
    const whole = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
    for (let at = 0; at < whole.length; at++) whole[at] = this.next();
    for (let at = whole.length * 4; at < bytes.length; at++) bytes[at] = this.next() & 0xff;
  }
}
