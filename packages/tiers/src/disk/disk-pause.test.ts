import { expect, test } from "vitest";
import { DiskPause } from "./disk-pause.ts";

test("pauses grow with every failure up to a minute, and start over after a success", () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, unixSeconds: () => 0, after: () => () => {} };
  const pause = new DiskPause(clock);
  expect(pause.reason).toBe(null);
  const lengths: number[] = [];
  for (let failure = 0; failure < 8; failure++) {
    pause.failed("no_space");
    pause.failed("io");
    expect(pause.reason).toBe("no_space");
    const startMs = nowMs;
    while (pause.reason !== null) nowMs += 500;
    lengths.push(nowMs - startMs);
  }
  expect(lengths).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
  pause.succeeded();
  pause.failed("io");
  expect(pause.reason).toBe("io");
  nowMs += 1000;
  expect(pause.reason).toBe(null);
});
