// Token ids as bytes: each id as the zigzag of its difference to the one before would be no shorter,
// so each is a plain little-endian base-128 number: 1 to 3 bytes for every vocabulary in use.

import { assert } from "@loci/core";

const bytesPerTokenMax = 5;

/** Ids must not be negative. */
export function packTokens(tokens: Int32Array): Uint8Array {
  const bytes = new Uint8Array(tokens.length * bytesPerTokenMax);
  let end = 0;
  for (const token of tokens) {
    assert(token >= 0, "token ids are not negative");
    let rest = token;
    while (rest >= 0x80) {
      bytes[end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    bytes[end++] = rest;
  }
  return bytes.slice(0, end);
}

/** Null when the bytes are not `count` packed tokens. */
export function tryUnpackTokens(bytes: Uint8Array, count: number): Int32Array | null {
  if (count < 0 || count > bytes.length) return null;
  const tokens = new Int32Array(count);
  let index = 0;
  let token = 0;
  let shift = 0;
  for (const byte of bytes) {
    const bits = byte & 0x7f;
    const isLast = byte < 0x80;
    if (index === count || shift > 28 || (shift === 28 && bits > 0x07)) return null;
    if (isLast && bits === 0 && shift > 0) return null;
    token |= bits << shift;
    shift += 7;
    if (!isLast) continue;
    tokens[index++] = token;
    token = 0;
    shift = 0;
  }
  return index === count && shift === 0 ? tokens : null;
}

/** How many tokens two lists have in common from their start. */
export function sharedLength(first: Int32Array, second: Int32Array): number {
  const longest = Math.min(first.length, second.length);
  let length = 0;
  while (length < longest && first[length] === second[length]) length++;
  return length;
}
