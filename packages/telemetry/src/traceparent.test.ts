import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { formatTraceParent, parseTraceParent } from "./traceparent.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

describe("traceparent", () => {
  test("is read as the specification writes it", () => {
    expect(parseTraceParent(`00-${traceId}-${spanId}-01`)).toEqual({ traceId, spanId, flags: 1 });
    // A later version may know more fields.
    expect(parseTraceParent(`cc-${traceId}-${spanId}-01-what-comes`)?.traceId).toBe(traceId);
  });

  test.each([
    `ff-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01-more`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    `00-${traceId}-${spanId}`,
    `cc-${traceId}-${spanId}-01-${"x".repeat(300)}`,
    "",
  ])("%s is nobody's", (header) => {
    expect(parseTraceParent(header)).toBeNull();
  });

  test("fuzz: what is written is read, what is read was written", () => {
    fc.assert(
      fc.property(parents, (parent) => {
        expect(parseTraceParent(formatTraceParent(parent))).toEqual(parent);
      }),
      { seed: 7, numRuns: 300 },
    );
    fc.assert(
      fc.property(anyText, (text) => {
        expect(text).toContain(parseTraceParent(text)?.traceId ?? "");
      }),
      { seed: 8, numRuns: 300 },
    );
  });
});

const anyText = fc.string();
const digit = fc.constantFrom(..."0 1 2 3 4 5 6 7 8 9 a b c d e f".split(" "));

function hex(length: number): fc.Arbitrary<string> {
  return fc
    .array(digit, { minLength: length, maxLength: length })
    .map((digits) => digits.join(""))
    .filter((text) => !/^0+$/.test(text));
}

const parents = fc.record({
  traceId: hex(32),
  spanId: hex(16),
  flags: fc.integer({ min: 0, max: 255 }),
});
