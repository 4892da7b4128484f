import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  approximateBytes,
  approximateDuration,
  formatBytes,
  formatDuration,
  formatShare,
  tryParseBytes,
  tryParseCount,
  tryParseDurationMs,
  tryParseShare,
} from "./units.ts";

describe("bytes", () => {
  test.each([
    ["0", 0],
    ["1234", 1234],
    ["2GiB", 2 * 2 ** 30],
    ["500MB", 500e6],
    ["512 MiB", 512 * 2 ** 20],
    ["1.5g", 1.5 * 2 ** 30],
    ["64K", 65_536],
    ["1tb", 1e12],
    ["7B", 7],
  ])("%s", (text, bytes) => expect(tryParseBytes(text)).toBe(bytes));

  test.each([
    "",
    "GiB",
    "-1",
    "1e9",
    "1,5GB",
    "2 XB",
    "0x10",
    "9".repeat(17),
    "1".repeat(40),
    "5%",
  ])("refuses %j", (text) => expect(tryParseBytes(text)).toBeNull());

  test("what is written parses back to the same number", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (bytes) => {
        expect(tryParseBytes(formatBytes(bytes))).toBe(bytes);
      }),
    );
    fc.assert(
      fc.property(fc.nat(4096), fc.constantFrom(10, 20, 30), (count, power) => {
        expect(tryParseBytes(formatBytes(count * 2 ** power))).toBe(count * 2 ** power);
      }),
    );
    expect([formatBytes(2 ** 31), formatBytes(5e8), formatBytes(1025)]).toEqual([
      "2GiB",
      "500MB",
      "1025B",
    ]);
  });
});

describe("durations", () => {
  test.each([
    ["30s", 30_000],
    ["250ms", 250],
    ["30", 30_000],
    ["1.5", 1500],
    ["2m", 120_000],
    ["2min", 120_000],
    ["1h", 3_600_000],
    ["0", 0],
  ])("%s", (text, ms) => expect(tryParseDurationMs(text)).toBe(ms));

  test.each(["", "s", "-1s", "3 weeks", "1h30m"])("refuses %j", (text) =>
    expect(tryParseDurationMs(text)).toBeNull(),
  );

  test("what is written parses back to the same number", () => {
    fc.assert(
      fc.property(fc.nat(), (ms) => {
        expect(tryParseDurationMs(formatDuration(ms))).toBe(ms);
      }),
    );
    expect([formatDuration(30_000), formatDuration(90_000), formatDuration(0)]).toEqual([
      "30s",
      "1.5min",
      "0ms",
    ]);
  });
});

describe("counts and shares", () => {
  test.each([
    ["4096", 4096],
    ["32k", 32_000],
    ["32K", 32_768],
    ["25.6k", 25_600],
    ["1M", 1_048_576],
  ])("%s", (text, count) => expect(tryParseCount(text)).toBe(count));

  test.each(["", "1.5", "0.0001k", "-3", "ten", "4kk", "1e3", "constructor"])(
    "refuses %j",
    (text) => expect(tryParseCount(text)).toBeNull(),
  );

  test("counts are written as plain numbers and parse back", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (count) => {
        expect(tryParseCount(String(count))).toBe(count);
      }),
    );
  });

  test("shares parse back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (basisPoints) => {
        const share = basisPoints / 10_000;
        expect(tryParseShare(formatShare(share))).toBeCloseTo(share, 12);
      }),
    );
    expect(tryParseShare("40%")).toBe(0.4);
    expect(tryParseShare("40")).toBeNull();
  });
});

test("approximate texts are short", () => {
  expect(approximateBytes(0)).toBe("0 B");
  expect(approximateBytes(1.93 * 2 ** 30)).toBe("1.93 GiB");
  expect(approximateBytes(512 * 2 ** 20)).toBe("512 MiB");
  expect(approximateDuration(1250)).toBe("1.25 s");
  expect(approximateDuration(12)).toBe("12 ms");
});

test("no text makes a parser throw or answer with anything but a whole number or null", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const parse of [tryParseBytes, tryParseDurationMs, tryParseCount]) {
        const value = parse(text);
        expect(value === null || Number.isSafeInteger(value)).toBe(true);
      }
    }),
    { seed: 1 },
  );
});
