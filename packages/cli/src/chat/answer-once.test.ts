import { expect, test } from "vitest";

import { answerOnce } from "./answer-once.ts";
import type { AnswerEvent } from "./chat-client.ts";
import { Conversation } from "./conversation.ts";

const escape = "\u001B[2J";

/** Two pieces half a second apart, on a clock of its own. */
async function run(json: boolean, columns: number | null): Promise<{ out: string; err: string }> {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, unixSeconds: () => 0, after: () => () => {} };
  async function* answer(): AsyncGenerator<AnswerEvent> {
    nowMs = 250;
    yield { type: "text", text: `one${escape}` };
    nowMs = 750;
    yield { type: "text", text: " two" };
    const usage = { promptTokens: 8, cachedTokens: 6, answerTokens: 3 };
    yield { type: "end", finishReason: "stop", usage };
  }
  const texts = { out: "", err: "" };
  const conversation = new Conversation({ system: null, maxTokens: null, temperature: null });
  const code = await answerOnce({
    client: { model: async () => "tiny", answer },
    step: conversation.take("hello"),
    output: {
      coloured: false,
      columns,
      errorColumns: columns,
      out: (text) => void (texts.out += text),
      err: (text) => void (texts.err += text),
    },
    json,
    clock,
  });
  expect(code).toBe(0);
  return texts;
}

test("piped: the answer as it is, and nothing else", async () => {
  expect(await run(false, null)).toEqual({ out: `one${escape} two\n`, err: "" });
});

test("on a terminal: nothing to obey, and what it took", async () => {
  expect(await run(false, 80)).toEqual({
    out: "one[2J two\n",
    err: "3 tokens, 4.0 tokens/s, first after 0.25 s; 75% of 8 prompt tokens cached\n",
  });
});

test("as events: one JSON object in each line", async () => {
  const { out, err } = await run(true, null);
  const events = out.trimEnd().split("\n");
  expect(events.map((line): unknown => JSON.parse(line))).toEqual([
    { type: "start", model: "tiny" },
    { type: "text", text: `one${escape}` },
    { type: "text", text: " two" },
    {
      type: "end",
      finish_reason: "stop",
      prompt_tokens: 8,
      cached_tokens: 6,
      answer_tokens: 3,
      seconds: 0.75,
      first_text_seconds: 0.25,
      tokens_per_second: 4,
    },
  ]);
  expect(err).toBe("");
});
