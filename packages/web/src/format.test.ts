import { expect, test } from "vitest";
import { formatAgo, formatBytes, formatCount, formatSeconds, formatShare } from "./format.ts";

test("counts", () => {
  const cases = [
    [0, "0"],
    [7.4, "7"],
    [999, "999"],
    [1000, "1k"],
    [1249, "1.2k"],
    [34_400, "34k"],
    [999_900, "1M"],
    [5_600_000, "5.6M"],
    [-1500, "-1.5k"],
  ] as const;
  for (const [count, text] of cases) expect(formatCount(count)).toBe(text);
});

test("bytes", () => {
  const cases = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [262_144, "256 KiB"],
    [1_048_575, "1 MiB"],
    [3 * 2 ** 30, "3 GiB"],
  ] as const;
  for (const [bytes, text] of cases) expect(formatBytes(bytes)).toBe(text);
});

test("seconds", () => {
  const cases = [
    [0, "0 ms"],
    [0.0004, "0.4 ms"],
    [0.34, "340 ms"],
    [0.9996, "1 s"],
    [1.24, "1.2 s"],
    [59.97, "1 min"],
    [60, "1 min"],
    [125, "2 min 5 s"],
    [11_040, "3 h 4 min"],
    [90_000, "1 d 1 h"],
    [-2, "−2 s"],
  ] as const;
  for (const [seconds, text] of cases) expect(formatSeconds(seconds)).toBe(text);
});

test("shares and times ago", () => {
  expect([0, 0.004, 0.87, 1].map(formatShare)).toEqual(["0 %", "0.4 %", "87 %", "100 %"]);
  expect([3, 300, 10_800, 200_000].map(formatAgo)).toEqual([
    "just now",
    "5 min ago",
    "3 h ago",
    "2 d ago",
  ]);
});
