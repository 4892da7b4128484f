// XXH64 with seed 0, after its public specification, without BigInt in the loop: a 64-bit word is
// two int32 halves. For machines without the kernel library, which has the same in C++.

import { checksumBytes } from "./block-transfer.ts";

interface Word {
  high: number;
  low: number;
}

const prime1 = word(0x9e3779b1, 0x85ebca87);
const prime2 = word(0xc2b2ae3d, 0x27d4eb4f);
const prime3 = word(0x165667b1, 0x9e3779f9);
const prime4 = word(0x85ebca77, 0xc2b2ae63);
const prime5 = word(0x27d4eb2f, 0x165667c5);

const stripeBytes = 32;
const lanesPerStripe = 4;
const laneRotations = [1, 7, 12, 18] as const;

/** Writes the checksum of `bytes` into the first 8 bytes of `target`. */
export function writeXxh64(bytes: Uint8Array, target: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hash = word(0, 0);
  const stripes = Math.floor(bytes.length / stripeBytes);
  if (stripes > 0) joinLanes(hash, sumStripes(view, stripes));
  else addTo(hash, prime5);
  addTo(hash, word(Math.floor(bytes.length / 2 ** 32), bytes.length));
  addRest(hash, view, stripes * stripeBytes);
  mix(hash);
  const out = new DataView(target.buffer, target.byteOffset, checksumBytes);
  out.setInt32(0, hash.low, true);
  out.setInt32(4, hash.high, true);
}

function word(high: number, low: number): Word {
  return { high: high | 0, low: low | 0 };
}

function sumStripes(view: DataView, stripes: number): readonly Word[] {
  const lanes = [sum(prime1, prime2), { ...prime2 }, word(0, 0), negate(prime1)];
  const input = word(0, 0);
  for (let offset = 0; offset < stripes * stripeBytes; offset += stripeBytes) {
    for (let lane = 0; lane < lanesPerStripe; lane++) {
      input.low = view.getInt32(offset + lane * 8, true);
      input.high = view.getInt32(offset + lane * 8 + 4, true);
      round(lanes[lane] as Word, input);
    }
  }
  return lanes;
}

function joinLanes(hash: Word, lanes: readonly Word[]): void {
  for (const [index, lane] of lanes.entries()) {
    const turned = { ...lane };
    rotate(turned, laneRotations[index] as number);
    addTo(hash, turned);
  }
  for (const lane of lanes) {
    const mixed = word(0, 0);
    round(mixed, lane);
    exclusiveOr(hash, mixed);
    multiply(hash, prime1);
    addTo(hash, prime4);
  }
}

/** What is left after whole stripes: words, one half word, bytes. */
function addRest(hash: Word, view: DataView, start: number): void {
  let offset = start;
  for (; view.byteLength - offset >= 8; offset += 8) {
    const mixed = word(0, 0);
    round(mixed, word(view.getInt32(offset + 4, true), view.getInt32(offset, true)));
    exclusiveOr(hash, mixed);
    turn(hash, 27, prime1, prime4);
  }
  if (view.byteLength - offset >= 4) {
    const half = word(0, view.getInt32(offset, true));
    multiply(half, prime1);
    exclusiveOr(hash, half);
    turn(hash, 23, prime2, prime3);
    offset += 4;
  }
  for (; offset < view.byteLength; offset++) {
    const byte = word(0, view.getUint8(offset));
    multiply(byte, prime5);
    exclusiveOr(hash, byte);
    rotate(hash, 11);
    multiply(hash, prime1);
  }
}

function mix(hash: Word): void {
  exclusiveOr(hash, word(0, hash.high >>> 1)); // hash >> 33
  multiply(hash, prime2);
  exclusiveOr(hash, word(hash.high >>> 29, (hash.high << 3) | (hash.low >>> 29)));
  multiply(hash, prime3);
  exclusiveOr(hash, word(0, hash.high)); // hash >> 32
}

/** lane = rotate(lane + input · prime2, 31) · prime1 */
function round(lane: Word, input: Word): void {
  const product = { ...input };
  multiply(product, prime2);
  addTo(lane, product);
  rotate(lane, 31);
  multiply(lane, prime1);
}

function turn(hash: Word, bits: number, factor: Word, addend: Word): void {
  rotate(hash, bits);
  multiply(hash, factor);
  addTo(hash, addend);
}

function sum(left: Word, right: Word): Word {
  const result = { ...left };
  addTo(result, right);
  return result;
}

function negate(value: Word): Word {
  return sum(word(~value.high, ~value.low), word(0, 1));
}

function addTo(target: Word, addend: Word): void {
  const low = (target.low >>> 0) + (addend.low >>> 0);
  target.high = (target.high + addend.high + (low > 0xffff_ffff ? 1 : 0)) | 0;
  target.low = low | 0;
}

function exclusiveOr(target: Word, other: Word): void {
  target.high ^= other.high;
  target.low ^= other.low;
}

/** 0 < bits < 32 */
function rotate(target: Word, bits: number): void {
  const { high, low } = target;
  target.high = (high << bits) | (low >>> (32 - bits));
  target.low = (low << bits) | (high >>> (32 - bits));
}

/** Modulo 2^64; the carry out of the low halves comes from their 16-bit parts. */
function multiply(target: Word, factor: Word): void {
  const leftLow = target.low & 0xffff;
  const leftHigh = target.low >>> 16;
  const rightLow = factor.low & 0xffff;
  const rightHigh = factor.low >>> 16;
  const crossed = leftHigh * rightLow + ((leftLow * rightLow) >>> 16);
  const other = leftLow * rightHigh + (crossed & 0xffff);
  const carry = leftHigh * rightHigh + Math.floor(crossed / 65_536) + Math.floor(other / 65_536);
  target.high =
    (carry + Math.imul(target.low, factor.high) + Math.imul(target.high, factor.low)) | 0;
  target.low = Math.imul(target.low, factor.low);
}
