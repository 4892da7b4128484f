import { systemClock } from "@loci/core";
import { Agent } from "undici";
import { expect, test } from "vitest";
import { openaiDialect } from "../load/dialect.ts";
import { startTestServer, type Misbehaviour } from "../load/test-server.ts";
import { longestPauseMs, watchStream, type WatchedStream } from "./watched-stream.ts";

const paused: WatchedStream = {
  tokenIds: [],
  text: "",
  finishReason: "length",
  promptTokens: 3,
  error: null,
  sendMs: 0,
  tokenTimesMs: [100, 900, 910, 930, 1200, 1210],
};

test("pauses count from the moment given, the one that it cut included", () => {
  expect(longestPauseMs(paused, 0)).toBe(800);
  expect(longestPauseMs(paused, 905)).toBe(270);
  expect(longestPauseMs(paused, 1100)).toBe(270);
  expect(longestPauseMs(paused, 1205)).toBe(10);
  expect(longestPauseMs(paused, 2000)).toBe(0);
});

async function watch(
  misbehaviour: Misbehaviour,
): Promise<{ readonly stream: WatchedStream; readonly counts: readonly number[] }> {
  await using server = await startTestServer(misbehaviour);
  const dispatcher = new Agent();
  const target = {
    baseUrl: server.baseUrl,
    dialect: openaiDialect,
    dispatcher,
    clock: systemClock,
  };
  const counts: number[] = [];
  const body = { prompt: [1, 2, 3, 4], max_tokens: 5 };
  const stream = await watchStream(target, body, (tokens) => counts.push(tokens));
  await dispatcher.destroy();
  return { stream, counts };
}

test("every token is counted as it comes", async () => {
  const { stream, counts } = await watch("none");
  expect(counts).toEqual([1, 2, 3, 4, 5]);
  expect(stream.tokenIds).toHaveLength(5);
  expect(stream.tokenTimesMs).toHaveLength(5);
  expect(stream.promptTokens).toBe(4);
  expect(stream.error).toBeNull();
});

test.each<Misbehaviour>(["hang up", "error status", "error event"])(
  "%s: the stream says so",
  async (misbehaviour) => {
    const { stream } = await watch(misbehaviour);
    expect(stream.error).not.toBeNull();
  },
);
