import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  HeaderDecoder,
  type SlotShape,
  encodeHeader,
  readSequence,
  slotLayout,
} from "./slot-header.ts";

const shape: SlotShape = {
  fingerprint: "0123456789abcdef0123456789abcdef",
  layers: 5,
  blockBytes: 5 * 64,
  blockTokens: 32,
};
const { headerBytes, identityBytes } = slotLayout(shape);
const key = fc.stringMatching(/^[0-9a-f]{32}$/);
const header = fc.record({
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  identity: fc.record({
    key,
    parentKey: key,
    tenantKey: key,
    depth: fc.nat(0xffff_ffff),
    tokens: fc
      .array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 32 })
      .map((tokens) => Int32Array.from(tokens)),
  }),
});

test("what is encoded is decoded, and lies within the identity", () => {
  fc.assert(
    fc.property(header, (value) => {
      const bytes = Buffer.alloc(headerBytes);
      encodeHeader(value, shape, bytes);
      expect(new HeaderDecoder(shape).decode(bytes)).toEqual(value);
      expect(readSequence(bytes)).toBe(value.sequence);
      expect(bytes.subarray(identityBytes).every((byte) => byte === 0)).toBe(true);
    }),
    { seed: 4, numRuns: 300 },
  );
});

test("forged headers are refused or within bounds, never an error", () => {
  const decoder = new HeaderDecoder(shape);
  const changes = fc.array(fc.tuple(fc.nat(identityBytes - 1), fc.nat(255)), { maxLength: 6 });
  let refused = 0;
  fc.assert(
    fc.property(header, changes, (value, forged) => {
      const bytes = Buffer.alloc(headerBytes);
      encodeHeader(value, shape, bytes);
      for (const [position, byte] of forged) bytes[position] = byte;
      const found = decoder.decode(bytes);
      if (found === null) refused++;
      const tokens = found?.identity.tokens.length ?? 1;
      expect(tokens).toBeGreaterThan(0);
      expect(tokens).toBeLessThanOrEqual(shape.blockTokens);
      expect(found?.sequence ?? 1).toBeGreaterThan(0);
    }),
    { seed: 5, numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(100);
});
