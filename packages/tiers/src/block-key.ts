// The names of blocks: a chain of cryptographic hashes over tokens, salted by tenant, so that equal
// keys mean equal tokens from the start of a sequence, within one tenant.

import { hash } from "node:crypto";
import { assert } from "@loci/core";

const keyBytes = 16;
const keyPattern = /^[0-9a-f]{32}$/;

/**
 * 32 hex digits: the first half of SHA-256 over the parent's key (16 bytes) and the block's tokens
 * (int32, little endian). The parent of a first block is the tenant's key.
 */
export function blockKey(parentKey: string, tokens: Int32Array): string {
  assert(keyPattern.test(parentKey), "a key is 32 hex digits");
  const message = Buffer.allocUnsafe(keyBytes + tokens.byteLength);
  message.write(parentKey, "hex");
  Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength).copy(message, keyBytes);
  return hash("sha256", message, "hex").slice(0, keyBytes * 2);
}

/** 32 hex digits for a tenant, under which its blocks are kept. */
export function tenantKey(tenant: string): string {
  return hash("sha256", `loci tenant\0${tenant}`, "hex").slice(0, keyBytes * 2);
}
