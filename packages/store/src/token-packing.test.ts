import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { packTokens, sharedLength, tryUnpackTokens } from "./token-packing.ts";

const tokenList = fc
  .array(fc.oneof(fc.nat(), fc.nat({ max: 200_000 })))
  .map((tokens) => Int32Array.from(tokens));

describe("packed tokens", () => {
  it("are unpacked to what they were", () => {
    fc.assert(
      fc.property(tokenList, (tokens) => {
        expect(tryUnpackTokens(packTokens(tokens), tokens.length)).toEqual(tokens);
      }),
      { seed: 1 },
    );
  });

  it("take two bytes for small ids and three for all ids of a vocabulary", () => {
    expect(packTokens(Int32Array.of(0, 127)).length).toBe(2);
    expect(packTokens(Int32Array.of(128, 16_383)).length).toBe(4);
    expect(packTokens(Int32Array.of(16_384, 262_143)).length).toBe(6);
  });

  it("are the only bytes that unpack to a list", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat({ max: 13 }), (bytes, count) => {
        const tokens = tryUnpackTokens(bytes, count);
        if (tokens === null) return;
        expect(tokens.length).toBe(count);
        expect(packTokens(tokens)).toEqual(bytes);
      }),
      { seed: 2, numRuns: 2_000 },
    );
  });

  it("are refused with another count, or cut", () => {
    const packed = packTokens(Int32Array.of(1, 300, 70_000));
    expect(tryUnpackTokens(packed, 2)).toBeNull();
    expect(tryUnpackTokens(packed, 4)).toBeNull();
    expect(tryUnpackTokens(packed, -1)).toBeNull();
    expect(tryUnpackTokens(packed.subarray(0, -1), 3)).toBeNull();
  });
});

describe("sharedLength", () => {
  it("counts equal tokens from the start", () => {
    expect(sharedLength(Int32Array.of(1, 2, 3), Int32Array.of(1, 2, 4, 3))).toBe(2);
    expect(sharedLength(Int32Array.of(1, 2), Int32Array.of(1, 2, 4))).toBe(2);
    expect(sharedLength(Int32Array.of(), Int32Array.of(1))).toBe(0);
  });
});
