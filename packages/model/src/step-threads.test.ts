import { expect, test } from "vitest";
import { stepThreads } from "./step-threads.ts";

const tiny = { weightBytes: 2.5e6, matrixParameters: 2.3e6 };
const half = { weightBytes: 530e6, matrixParameters: 494e6 };

test("a tiny model decodes on one thread and prefills on all", () => {
  expect(stepThreads(tiny, 1, 4)).toBe(1);
  expect(stepThreads(tiny, 512, 4)).toBe(4);
});

test("a real model always uses all threads", () => {
  expect(stepThreads(half, 1, 4)).toBe(4);
  expect(stepThreads(half, 32, 64)).toBe(64);
});

test("more tokens never mean fewer threads", () => {
  for (let tokens = 1; tokens < 300; tokens++) {
    expect(stepThreads(tiny, tokens + 1, 8)).toBeGreaterThanOrEqual(stepThreads(tiny, tokens, 8));
  }
});
