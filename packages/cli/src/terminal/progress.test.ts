// The bar: monotone whatever happens, right numbers, and never wider than the terminal.

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProgressMeter, progressLine } from "./progress-meter.ts";
import { ProgressView } from "./progress-view.ts";
import { formatAgo, formatBytes, formatSeconds, formatShare } from "./units.ts";

test("never runs backwards and never leaves its line", () => {
  const samples = fc.array(fc.tuple(fc.nat(2_000_000), fc.nat(5000)), { maxLength: 40 });
  fc.assert(
    fc.property(
      fc.nat(1_000_000),
      samples,
      fc.integer({ min: 1, max: 120 }),
      (total, list, width) => {
        const meter = new ProgressMeter(total);
        let nowMs = 0;
        let shown = 0;
        for (const [bytes, elapsedMs] of list) {
          nowMs += elapsedMs;
          meter.add({ bytes, nowMs });
          expect(meter.bytesShown).toBeGreaterThanOrEqual(shown);
          expect(meter.bytesShown).toBeLessThanOrEqual(total);
          expect(meter.bytesPerSecond).toBeGreaterThanOrEqual(0);
          shown = meter.bytesShown;
          const line = progressLine(meter, width);
          expect(line.length).toBeLessThan(width);
          expect(line).not.toMatch(/NaN|Infinity|undefined/);
        }
      },
    ),
    { numRuns: 500, seed: 1 },
  );
});

test("knows speed and time left of a steady transfer", () => {
  const meter = new ProgressMeter(100_000_000);
  for (let second = 0; second <= 20; second++) {
    meter.add({ bytes: second * 2_000_000, nowMs: second * 1000 });
  }
  expect(meter.bytesPerSecond).toBeCloseTo(2_000_000, -3);
  expect(meter.secondsLeft).toBeCloseTo(30, 0);
  expect(progressLine(meter, 80)).toBe(
    "[############------------------]  40%  40.0 MB of 100 MB  2.0 MB/s  30 s left",
  );
});

test("counts no speed for what was there before", () => {
  const meter = new ProgressMeter(1000);
  meter.add({ bytes: 900, nowMs: 5 });
  expect(meter.bytesPerSecond).toBe(0);
  expect(meter.secondsLeft).toBeNull();
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [99_949, "99.9 kB"],
  [99_960, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [531_000_000, "531 MB"],
  [1.25e9, "1.3 GB"],
  [5e15, "5000 TB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

test.each([
  [0.2, "1 s"],
  [59, "59 s"],
  [61, "1 min 1 s"],
  [3600, "1 h 0 min"],
  [7325, "2 h 2 min"],
])("%d seconds are %s", (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

test.each([
  [0, 0, "0%"],
  [1, 1000, "<1%"],
  [85, 100, "85%"],
  [3, 3, "100%"],
])("%d of %d is %s", (part, whole, text) => expect(formatShare(part, whole)).toBe(text));

test.each([
  [3, "now"],
  [60, "1 min ago"],
  [7300, "2 h ago"],
  [86_400, "1 day ago"],
  [400 * 86_400, "1 year ago"],
  [70 * 86_400, "2 months ago"],
])("%d seconds ago is %s", (seconds, text) => expect(formatAgo(seconds)).toBe(text));

test("names from elsewhere cannot draw", () => {
  let text = "";
  const terminal = { columns: 60, write: (piece: string) => void (text += piece) };
  const clock = { nowMs: () => 0, unixSeconds: () => 0, after: () => () => {} };
  const view = new ProgressView(terminal, clock, { label: "a\u001B[2Jb\n.gguf", bytes: 10 });
  view.note("no\r\u001B[1Aconnection");
  expect(text).toBe("Pulling a[2Jb .gguf (10 B)\n\r\u001B[2Kno[1Aconnection\n");
});

describe("on a terminal", () => {
  test.each([
    [80, /^Pulling a\.gguf \(1\.0 kB\)\n(?:\r\P{L}\[2K[^\n\r]{0,79})+\n$/u],
    [null, /^Pulling a\.gguf \(1\.0 kB\)\n(?:a\.gguf: [^\n\r]+\n){2}$/],
  ])("of %s columns", (columns, pattern) => {
    let text = "";
    let nowMs = 0;
    const clock = { nowMs: () => (nowMs += 40), unixSeconds: () => 0, after: () => () => {} };
    const terminal = { columns, write: (piece: string) => void (text += piece) };
    const view = new ProgressView(terminal, clock, { label: "a.gguf", bytes: 1000 });
    for (let bytes = 0; bytes <= 1000; bytes += 10) view.received(bytes);
    view.verified(1000);
    view.end();
    expect(text).toMatch(pattern);
  });
});
