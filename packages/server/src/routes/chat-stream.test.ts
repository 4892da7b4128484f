import { LociError } from "@loci/core";
import { describe, expect, test } from "vitest";
import { byteTokens } from "../testing/byte-codec.ts";
import { sseData } from "../testing/sse-data.ts";
import { testServer } from "../testing/test-server.ts";
import { at, textAt } from "../testing/json-path.ts";

const path = "/v1/chat/completions";
const messages = [{ role: "user", content: "Hi" }];
const tool = {
  type: "function",
  function: { name: "add", parameters: { type: "object", properties: { a: { type: "number" } } } },
};

describe("a stream", () => {
  test("begins with the role, ends with the reason and [DONE]", async () => {
    await using server = testServer("Hi!");
    const reply = await server.post(path, { messages, stream: true });
    expect(reply.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
    expect(reply.headers["x-request-id"]).toMatch(/^req-/);
    const { chunks, done } = sseData(reply.text);
    expect(done).toBe(true);
    const choices = chunks.map((chunk) => at(chunk, "choices.0"));
    expect(at(choices[0], "delta")).toEqual({ role: "assistant", content: "" });
    expect(choices.slice(1, -1).map((choice) => at(choice, "delta.content"))).toEqual([
      "H",
      "i",
      "!",
    ]);
    expect(choices.map((choice) => at(choice, "finish_reason"))).toEqual([
      null,
      null,
      null,
      null,
      "stop",
    ]);
    expect(new Set(chunks.map((chunk) => at(chunk, "id"))).size).toBe(1);
    expect(chunks.every((chunk) => at(chunk, "object") === "chat.completion.chunk")).toBe(true);
    expect(chunks.every((chunk) => at(chunk, "usage") === undefined)).toBe(true);
    expect(chunks.at(-1)).toHaveProperty("timings");
  });

  test("usage comes last, with no choices, when asked for", async () => {
    await using server = testServer({ tokens: byteTokens("Hi"), cachedTokens: 3 });
    const fields = { stream: true, stream_options: { include_usage: true } };
    const { chunks } = sseData((await server.post(path, { messages, ...fields })).text);
    expect(chunks.slice(0, -1).every((chunk) => at(chunk, "usage") === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 2, prompt_tokens_details: { cached_tokens: 3 } },
    });
  });

  test("a character never comes in halves", async () => {
    await using server = testServer("ä😀");
    const { chunks } = sseData((await server.post(path, { messages, stream: true })).text);
    const pieces = chunks.map((chunk) => at(chunk, "choices.0.delta.content")).filter(Boolean);
    expect(pieces).toEqual(["ä", "😀"]);
  });

  test("tool calls come name first, then their arguments in pieces", async () => {
    await using server = testServer(
      '<tool_call>{"name": "add", "arguments": {"a": 1}}</tool_call>',
    );
    const reply = await server.post(path, { messages, tools: [tool], stream: true });
    const { chunks } = sseData(reply.text);
    const calls = chunks.flatMap((chunk) => at(chunk, "choices.0.delta.tool_calls") ?? []);
    expect(calls[0]).toMatchObject({
      index: 0,
      type: "function",
      function: { name: "add", arguments: "" },
    });
    expect(calls.length).toBeGreaterThan(3);
    const text = calls.map((one) => at(one, "function.arguments")).join("");
    expect(JSON.parse(text)).toEqual({ a: 1 });
    expect(at(chunks.at(-1), "choices.0.finish_reason")).toBe("tool_calls");
  });

  test("of n answers each has its own index and end", async () => {
    await using server = testServer("ab");
    const { chunks } = sseData((await server.post(path, { messages, stream: true, n: 3 })).text);
    for (const index of [0, 1, 2]) {
      const own = chunks
        .map((chunk) => at(chunk, "choices.0"))
        .filter((choice) => at(choice, "index") === index);
      expect(
        own
          .map((choice) => textAt({ content: "", ...Object(at(choice, "delta")) }, "content"))
          .join(""),
      ).toBe("ab");
      expect(at(own.at(-1), "finish_reason")).toBe("stop");
    }
  });

  test("a refusal is an HTTP error", async () => {
    const refusal = new LociError("queue_full", "The queue is full.");
    await using server = testServer({ tokens: [], refusal });
    for (const n of [1, 4]) {
      const reply = await server.post(path, { messages, stream: true, n });
      expect(reply.status).toBe(429);
      expect(reply.headers["retry-after"]).toBe("3");
      expect(at(reply.body, "error")).toMatchObject({
        type: "rate_limit_error",
        code: "queue_full",
      });
    }
  });

  test("a failure on the way is told in the stream, without its cause", async () => {
    const failure = new Error("secret at 0x7f00");
    await using server = testServer({ tokens: byteTokens("Hi"), failure });
    const reply = await server.post(path, { messages, stream: true });
    const { chunks, done } = sseData(reply.text);
    expect(done).toBe(false);
    expect(chunks.at(-1)).toMatchObject({ error: { type: "server_error", code: "internal" } });
    expect(reply.text).not.toContain("0x7f00");
  });
});
