import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { AnswerScan } from "./answer-scan.ts";
import type { ScannedAnswer } from "./answer-scan.ts";

function scan(type: string, text: string, size = 7): ScannedAnswer & { readonly events: number } {
  const answer = new AnswerScan(type);
  const bytes = new TextEncoder().encode(text);
  let events = 0;
  for (let at = 0; at < bytes.length; at += size)
    events += answer.push(bytes.subarray(at, at + size));
  return { ...answer.finish(), events };
}

const stream = "text/event-stream; charset=utf-8";

describe("AnswerScan", () => {
  it("counts a stream's events and reads its usage and end", () => {
    const usage = {
      prompt_tokens: 200,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 50 },
    };
    const events = [
      { choices: [{ delta: { content: "é" }, finish_reason: null }] },
      { choices: [{ delta: {}, finish_reason: "stop" }] },
      { choices: [], usage },
    ];
    const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
    expect(scan(stream, `${text}data: [DONE]\n\n`)).toEqual({
      cachedShare: 0.25,
      completionTokens: 9,
      endedByItself: true,
      responseId: null,
      events: 3,
    });
  });

  it("falls back to counting where there is no usage", () => {
    const text = `data: {"choices":[{"finish_reason":"length"}]}\n\n`.repeat(4);
    expect(scan(stream, text)).toMatchObject({
      completionTokens: 4,
      endedByItself: false,
      cachedShare: null,
    });
  });

  it("reads whole answers, and the id of a stored response", () => {
    const whole = {
      id: "resp_1",
      object: "response",
      status: "completed",
      usage: { input_tokens: 10, output_tokens: 3, input_tokens_details: { cached_tokens: 10 } },
    };
    expect(scan("application/json", JSON.stringify(whole))).toMatchObject({
      responseId: "resp_1",
      cachedShare: 1,
      completionTokens: 3,
      endedByItself: true,
    });
    const created = `event: response.created\ndata: ${JSON.stringify({ response: whole })}\n\n`;
    expect(scan(stream, created)).toMatchObject({ responseId: "resp_1", cachedShare: 1 });
  });

  it("reads Anthropic's messages, whole and streamed", () => {
    const usage = { input_tokens: 2, cache_creation_input_tokens: 2, cache_read_input_tokens: 4 };
    const seen = { cachedShare: 0.5, completionTokens: 3, endedByItself: true, responseId: null };
    const whole = {
      type: "message",
      stop_reason: "end_turn",
      usage: { ...usage, output_tokens: 3 },
    };
    expect(scan("application/json", JSON.stringify(whole))).toMatchObject(seen);
    const events = [
      {
        type: "message_start",
        message: { type: "message", usage: { ...usage, output_tokens: 0 } },
      },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "hi" } },
      { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 3 } },
      { type: "message_stop" },
    ];
    const told = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    expect(scan(stream, told.join(""))).toMatchObject(seen);
  });

  it("does not look at other types", () => {
    expect(scan("audio/wav", "{}")).toMatchObject({ completionTokens: null, events: 0 });
  });
});

test("any bytes of any type are seen without an error", () => {
  const type = fc.constantFrom(stream, "application/json", "");
  const soup = fc.string({
    unit: fc.constantFrom("data: ", "{", "}", '"usage":', "1", "\n", "[", ","),
  });
  fc.assert(
    fc.property(type, soup, fc.integer({ min: 1, max: 9 }), (kind, text, size) => {
      const { cachedShare } = scan(kind, text, size);
      expect(cachedShare).toBeNull();
    }),
    { numRuns: 1000, seed: 12 },
  );
});
