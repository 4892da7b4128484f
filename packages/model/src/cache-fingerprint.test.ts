import {
  copyFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readGguf } from "@loci/ggml";
import { type FingerprintParts, cacheFingerprint } from "./cache-fingerprint.ts";
import { readHyperparameters } from "./hyperparameters.ts";
import { writeRandomModel } from "./testing/random-model.ts";

const directory = mkdtempSync(join(tmpdir(), "loci-fingerprint-"));
const path = join(directory, "model.gguf");
beforeAll(() => {
  writeRandomModel(path, { architecture: "llama", weightType: "f16", seed: 3 });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fingerprint(file: string, change: Partial<FingerprintParts> = {}): string {
  const gguf = readGguf(file);
  const params = readHyperparameters(gguf);
  const parts = { params, layout: "native f16", blockTokens: 32, contextTokensMax: 512 };
  return cacheFingerprint(gguf, { ...parts, ...change });
}

test("is 32 hex digits, the same for a copy of the file", () => {
  const copy = join(directory, "copy.gguf");
  copyFileSync(path, copy);
  expect(fingerprint(path)).toMatch(/^[0-9a-f]{32}$/);
  expect(fingerprint(copy)).toBe(fingerprint(path));
});

test("differs by layout, block size, positions and weights", () => {
  const { rope, ...params } = readHyperparameters(readGguf(path));
  const all = [
    fingerprint(path),
    fingerprint(path, { layout: "native q8_0" }),
    fingerprint(path, { layout: "portable f16" }),
    fingerprint(path, { blockTokens: 16 }),
    fingerprint(path, { params: { ...params, rope: { ...rope, frequencyBase: 5 } } }),
    fingerprint(path, { contextTokensMax: rope.contextOriginal + 1 }),
  ];
  expect(new Set(all).size).toBe(all.length);
});

test.each([
  ["the header", 400],
  ["the first weights", -1],
  ["the last weights", -2],
])("differs by a byte of %s", (_, place) => {
  const copy = join(directory, "changed.gguf");
  copyFileSync(path, copy);
  const { dataOffset } = readGguf(path);
  const position =
    { [-1]: dataOffset + 7, [-2]: statSync(path).size - 7 }[place] ?? dataOffset - place;
  const before = fingerprint(copy);
  const file = openSync(copy, "r+");
  writeSync(file, Buffer.from([0x5a]), 0, 1, position);
  closeSync(file);
  // A changed header need not parse any more.
  const gguf = { ...readGguf(path), identity: null };
  const parts = { params: readHyperparameters(gguf), layout: "native f16", blockTokens: 32 };
  expect(cacheFingerprint({ ...gguf, path: copy }, { ...parts, contextTokensMax: 512 })).not.toBe(
    before,
  );
});

test("is refused for a file that changed since it was read", () => {
  const copy = join(directory, "replaced.gguf");
  copyFileSync(path, copy);
  const gguf = readGguf(copy);
  const parts = { params: readHyperparameters(gguf), layout: "native f16", blockTokens: 32 };
  utimesSync(copy, 1, 1);
  expect(() => cacheFingerprint(gguf, { ...parts, contextTokensMax: 512 })).toThrow("changed");
});
