import type { SentElsewhere } from "@loci/router";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { messageBytesMax } from "./sealed-message.ts";
import { decodeSent, encodeSent, sentNamesMax, sentRequestsMax } from "./sent-codec.ts";

const runs = { seed: 7, numRuns: 300 };

const request: fc.Arbitrary<SentElsewhere> = fc.record({
  workerId: fc.stringMatching(/^[\x21-\x7e]{1,40}$/),
  names: fc
    .array(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), { maxLength: 40 })
    .map((names) => Float64Array.from(names)),
  missedTokens: fc.integer({ min: 0, max: 1e9 }),
});
const requests = fc.array(request, { maxLength: sentRequestsMax });

describe("requests sent", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(requests, (value) => {
        expect(decodeSent(encodeSent(value))).toEqual(value);
      }),
      runs,
    );
  });

  test("cut short, with something behind, or changed, are refused or other requests", () => {
    fc.assert(
      fc.property(requests, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encodeSent(value);
        expect(decodeSent(bytes.subarray(0, at % bytes.length))).toBeNull();
        expect(decodeSent(Uint8Array.from([...bytes, byte]))).toBeNull();
        bytes[at % bytes.length] = byte;
        const read = decodeSent(bytes) ?? [];
        expect(read.length).toBeLessThanOrEqual(sentRequestsMax);
        for (const { names } of read) expect(names.length).toBeLessThanOrEqual(sentNamesMax);
      }),
      runs,
    );
  });

  test("fit into a message, as many and as long as may be", () => {
    const names = new Float64Array(sentNamesMax).fill(Number.MAX_SAFE_INTEGER);
    const one = { workerId: "x".repeat(128), names, missedTokens: 1e9 };
    const most = Array.from({ length: sentRequestsMax }, () => one);
    expect(encodeSent(most).length).toBeLessThan(messageBytesMax / 2);
    expect(decodeSent(encodeSent(most))).toEqual(most);
    expect(decodeSent(encodeSent([...most, one]))).toBeNull();
  });
});
