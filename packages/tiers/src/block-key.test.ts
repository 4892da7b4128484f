import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { blockKey, tenantKey } from "./block-key.ts";

test("a key is half of SHA-256 over the parent's key and the tokens", () => {
  const parent = tenantKey("a");
  const tokens = Int32Array.of(1, -2, 70_000);
  const bytes = Buffer.concat([Buffer.from(parent, "hex"), Buffer.from(tokens.buffer)]);
  const expected = createHash("sha256").update(bytes).digest("hex").slice(0, 32);
  expect(blockKey(parent, tokens)).toBe(expected);
  // A view into a larger array is only what it shows.
  expect(blockKey(parent, Int32Array.of(9, 1, -2, 70_000, 9).subarray(1, 4))).toBe(expected);
});

test("other tenants, parents and tokens have other keys", () => {
  const parents = [tenantKey("a"), tenantKey("b"), tenantKey("")];
  const keys = parents.flatMap((parent) => [
    parent,
    blockKey(parent, Int32Array.of(1)),
    blockKey(parent, Int32Array.of(1, 0)),
    blockKey(blockKey(parent, Int32Array.of(1)), Int32Array.of(0)),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
});
