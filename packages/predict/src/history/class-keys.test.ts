import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { LengthQuery } from "../length-predictor.ts";
import { nameKey, prefixHash } from "../text-hash.ts";
import { classKeys, fileKeyLengthMax, keyFromFile, keyInFile } from "./class-keys.ts";

function query(tenant: string, promptTokens: Int32Array): LengthQuery {
  return {
    tenant,
    promptTokens,
    userText: null,
    tokensMax: 100,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

test("keys are written in digits, and read again", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer(), fc.nat({ max: 300 }), (tenant, token, length) => {
      const tokens = new Int32Array(length).fill(token);
      const keys = classKeys(query(tenant, tokens));
      const counts = [16, 64, 256].filter((count) => count <= length);
      const name = nameKey(tenant);
      const texts = keys.map(keyInFile);
      expect(texts).toEqual([name, ...counts.map((n) => `${name}:${prefixHash(tokens, n)}`)]);
      expect(texts.map(keyFromFile)).toEqual(keys);
      expect(texts.every((text) => text.length <= fileKeyLengthMax)).toBe(true);
    }),
    { seed: 3, numRuns: 200 },
  );
});

test("what is no key in a file is refused", () => {
  const others = ["", "x", "1:", ":1", "1:2:3", "4294967296", "1:4294967296", "-1", "1.5"];
  expect(others.map(keyFromFile)).toEqual(others.map(() => null));
  expect(keyInFile(keyFromFile("4294967295:0") ?? "")).toBe("4294967295:0");
});
