import { expect, test } from "vitest";
import { longestPauseMs, type WatchedStream } from "./watched-stream.ts";

const stream: WatchedStream = {
  tokenIds: [],
  text: "",
  finishReason: "length",
  promptTokens: 3,
  error: null,
  sendMs: 0,
  tokenTimesMs: [100, 900, 910, 930, 1200, 1210],
};

test("pauses count from the moment given, the one that it cut included", () => {
  expect(longestPauseMs(stream, 0)).toBe(800);
  expect(longestPauseMs(stream, 905)).toBe(270);
  expect(longestPauseMs(stream, 1100)).toBe(270);
  expect(longestPauseMs(stream, 1205)).toBe(10);
  expect(longestPauseMs(stream, 2000)).toBe(0);
});
