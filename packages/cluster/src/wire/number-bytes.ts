// Arrays of numbers as bytes, little endian: token ids and names of blocks.

import { endianness } from "node:os";
import { assert } from "@loci/core";
import { WireError } from "./wire-error.ts";

// Arrays are sent as they lie in memory.
assert(endianness() === "LE", "all processes of a cluster are little endian");

export function base64OfTokens(tokens: Int32Array): string {
  return Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength).toString("base64");
}

export function tokensOfBytes(bytes: Buffer): Int32Array {
  if (bytes.byteLength % Int32Array.BYTES_PER_ELEMENT !== 0) throw new WireError("half a token");
  return new Int32Array(Uint8Array.from(bytes).buffer);
}

export function base64OfNames(names: Float64Array): string {
  return Buffer.from(names.buffer, names.byteOffset, names.byteLength).toString("base64");
}

/** What is not a name is left out: names are hints. */
export function namesOfBytes(bytes: Buffer): Float64Array {
  if (bytes.byteLength % Float64Array.BYTES_PER_ELEMENT !== 0) throw new WireError("half a name");
  const { buffer, byteOffset, byteLength } = bytes;
  const names = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return areNames(names) ? names : names.filter(isBlockName);
}

/** The same of each as `isBlockName`, which would have every number made an object first. */
function areNames(numbers: Float64Array): boolean {
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index] ?? -1;
    if (!Number.isSafeInteger(number) || number < 0) return false;
  }
  return true;
}

export function isBlockName(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
