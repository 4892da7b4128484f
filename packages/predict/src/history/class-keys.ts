// Keys of a request's classes: its tenant, and its tenant with a beginning of its prompt, as hashes of
// 32 bits. In memory a key has two characters for each, as writing numbers in digits takes longer than
// all else that is done with them; in a file it has digits: "tenant:beginning".

import { nameHash, prefixHash } from "../text-hash.ts";
import type { LengthQuery } from "../length-predictor.ts";

/** Beginnings by their tokens, from the widest class to the narrowest. */
export const prefixTokens: readonly number[] = [16, 64, 256];
/** In a file: two hashes of at most ten digits, and what joins them. */
export const fileKeyLengthMax = 21;

const fileKey = /^(\d{1,10})(?::(\d{1,10}))?$/;
const hashMax = 0xffff_ffff;

/** The tenant's, then those of the prompt's beginnings as far as it is long enough. */
export function classKeys({ tenant, promptTokens }: LengthQuery): string[] {
  const name = nameHash(tenant);
  const keys = [keyOf(name)];
  for (const count of prefixTokens) {
    if (promptTokens.length < count) break;
    keys.push(keyOf(name) + keyOf(prefixHash(promptTokens, count)));
  }
  return keys;
}

export function keyInFile(key: string): string {
  const name = String(hashAt(key, 0));
  return key.length === 2 ? name : `${name}:${hashAt(key, 2)}`;
}

/** Null for what `keyInFile` would not give. */
export function keyFromFile(text: string): string | null {
  const [, name, prefix] = fileKey.exec(text) ?? [];
  if (name === undefined || Number(name) > hashMax || Number(prefix ?? 0) > hashMax) return null;
  return prefix === undefined ? keyOf(Number(name)) : keyOf(Number(name)) + keyOf(Number(prefix));
}

function keyOf(hash: number): string {
  return String.fromCharCode(hash >>> 16, hash & 0xffff);
}

function hashAt(key: string, start: number): number {
  return key.charCodeAt(start) * 0x1_0000 + key.charCodeAt(start + 1);
}
