// Arbitrary bodies of /v1/messages, most of them nearly right: never a 5xx, never silence, always
// Anthropic's shape; and a stream always says what the whole message says.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { at, listAt } from "../testing/json-path.ts";
import { namedEvents } from "../testing/sse-data.ts";
import { byteTokens } from "../testing/byte-codec.ts";
import { testServer } from "../testing/test-server.ts";

const oddNumber = fc.constantFrom(-1, 0, 1, 1.5, 2, 9, 1e9, 2 ** 31, 2 ** 53, -0, 1e-320, 1e308);
const odd = fc.oneof(
  oddNumber,
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 5 }),
  fc.constantFrom("\0", "\uD800", "auto", "any", "none", "user", "text", "tool_use", "image"),
  fc.jsonValue({ maxDepth: 2 }),
);
const maybeOdd = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: right, weight: 40 }, { arbitrary: odd, weight: 1 });

const text = fc.string({ maxLength: 12 });
const mark = maybeOdd(
  fc.record(
    { type: fc.constant("ephemeral"), ttl: maybeOdd(fc.constantFrom("5m", "1h")) },
    { requiredKeys: ["type"] },
  ),
);
const textBlock = fc.record(
  {
    type: fc.constant("text"),
    text: maybeOdd(text),
    cache_control: mark,
    citations: fc.constant(null),
  },
  { requiredKeys: ["type", "text"] },
);
const block = fc.oneof(
  textBlock,
  fc.record({
    type: fc.constant("tool_use"),
    id: maybeOdd(fc.constant("toolu_1")),
    name: maybeOdd(fc.constant("add")),
    input: maybeOdd(fc.object()),
  }),
  fc.record(
    {
      type: fc.constant("tool_result"),
      tool_use_id: maybeOdd(fc.constant("toolu_1")),
      content: maybeOdd(fc.oneof(text, fc.array(textBlock, { maxLength: 2 }))),
      is_error: maybeOdd(fc.boolean()),
    },
    { requiredKeys: ["type", "tool_use_id"] },
  ),
  fc.record({ type: fc.constant("thinking"), thinking: maybeOdd(text) }),
  maybeOdd(fc.record({ type: fc.constant("redacted_thinking"), data: text })),
);
const content = maybeOdd(fc.oneof(text, fc.array(maybeOdd(block), { maxLength: 3 })));
const message = fc.record({
  role: maybeOdd(fc.constantFrom("user", "user", "assistant")),
  content,
});
const tool = fc.record(
  {
    name: maybeOdd(fc.constantFrom("add", "b")),
    input_schema: maybeOdd(fc.object()),
    description: maybeOdd(text),
    type: maybeOdd(fc.constant("custom")),
    strict: maybeOdd(fc.boolean()),
    cache_control: mark,
  },
  { requiredKeys: ["name", "input_schema"] },
);
const body = fc.record(
  {
    max_tokens: maybeOdd(fc.integer({ min: 1, max: 60 })),
    messages: maybeOdd(fc.array(maybeOdd(message), { maxLength: 4 })),
    system: maybeOdd(fc.oneof(text, fc.array(textBlock, { maxLength: 2 }))),
    tools: maybeOdd(fc.array(maybeOdd(tool), { maxLength: 2 })),
    tool_choice: maybeOdd(fc.record({ type: maybeOdd(fc.constantFrom("auto", "none", "any")) })),
    thinking: maybeOdd(fc.record({ type: fc.constantFrom("enabled", "disabled") })),
    metadata: maybeOdd(fc.record({ user_id: maybeOdd(text) })),
    stop_sequences: maybeOdd(fc.array(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 3 })),
    temperature: maybeOdd(fc.double({ min: 0, max: 1, noNaN: true })),
    top_k: maybeOdd(fc.integer({ min: 0, max: 50 })),
    stream: maybeOdd(fc.boolean()),
    cache_control: mark,
    output_config: maybeOdd(fc.record({ effort: fc.constant("low") })),
    context_management: maybeOdd(fc.object({ maxDepth: 1 })),
  },
  { requiredKeys: ["max_tokens", "messages"] },
);
const withOddField = fc.tuple(body, odd).map(([fields, odds]) => Object.assign(fields, { odds }));

test("any body gets an answer or a refusal that names its reason", async () => {
  await using server = testServer('ok <tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>');
  const seen = new Set<number>();
  const path = fc.constantFrom("/v1/messages", "/v1/messages/count_tokens");
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.oneof({ arbitrary: maybeOdd(body), weight: 9 }, withOddField),
      async (to, fields) => {
        const reply = await server.post(to, JSON.stringify(fields) ?? "");
        seen.add(reply.status);
        expect([200, 400, 404]).toContain(reply.status);
        if (reply.status === 200) return;
        expect(at(reply.body, "type")).toBe("error");
        expect(typeof at(reply.body, "error.message")).toBe("string");
        expect(at(reply.body, "request_id")).toBe(reply.headers["request-id"]);
      },
    ),
    { seed: 11, numRuns: 400 },
  );
  // The bodies are neither all right nor all wrong.
  expect(seen).toContain(200);
  expect(seen).toContain(400);
  expect(server.service.live).toBe(0);
  server.checkIntegrity();
});

const answerPart = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.constantFrom("<tool_call>", "</tool_call>", "\n", '{"name": "add", "arguments": {"a": 1}}'),
  fc.constant('<tool_call>\n{"name": "add", "arguments": {"a": [1, "x"]}}\n</tool_call>'),
  fc.constant('<tool_call>{"arguments": "{}", "name": "b"}</tool_call>'),
);

test("the sum of a stream is the whole message", async () => {
  await using server = testServer("x");
  const tools = ["add", "b"].map((name) => ({ name, input_schema: { type: "object" } }));
  const messages = [{ role: "user", content: "hi" }];
  const answers = fc.array(answerPart, { maxLength: 8 }).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(answers, fc.integer({ min: 1, max: 120 }), async (answer, max_tokens) => {
      server.service.script = () => ({ tokens: byteTokens(answer) });
      const request = { max_tokens, messages, tools };
      const whole = await server.post("/v1/messages", request);
      const stream = await server.post("/v1/messages", { ...request, stream: true });
      const events = namedEvents(stream.text).map(({ data }) => data);
      expect(summed(events)).toEqual(withoutIds(listAt(whole.body, "content")));
      const end = events.find((event) => at(event, "type") === "message_delta");
      expect(at(end, "delta.stop_reason")).toBe(at(whole.body, "stop_reason"));
      expect(at(end, "usage")).toEqual(at(whole.body, "usage"));
    }),
    { seed: 12, numRuns: 100 },
  );
});

interface Summed {
  readonly type: unknown;
  readonly name: unknown;
  readonly text: unknown;
}

/** Blocks as their events add up; each must be begun, ended, and in its turn. */
function summed(events: readonly unknown[]): readonly Summed[] {
  const blocks: { start: unknown; text: string; open: boolean }[] = [];
  for (const event of events) {
    const type = at(event, "type");
    if (typeof type !== "string" || !type.startsWith("content_block")) continue;
    if (type === "content_block_start") {
      if (blocks.some(({ open }) => open)) throw new Error("two blocks are open");
      blocks.push({ start: at(event, "content_block"), text: "", open: true });
    }
    expect(at(event, "index")).toBe(blocks.length - 1);
    const last = blocks.at(-1);
    if (last === undefined) throw new Error("a block goes on that never began");
    expect(last.open).toBe(true);
    const piece = at(event, "delta.text") ?? at(event, "delta.partial_json") ?? "";
    last.text += typeof piece === "string" ? piece : "";
    if (type === "content_block_stop") last.open = false;
  }
  expect(blocks.every(({ open }) => !open)).toBe(true);
  return blocks.map(({ start, text: words }) => {
    const type = at(start, "type");
    return { type, name: at(start, "name"), text: type === "text" ? words : inputOf(words) };
  });
}

function withoutIds(blocks: readonly unknown[]): readonly Summed[] {
  return blocks.map((one) => {
    const type = at(one, "type");
    return { type, name: at(one, "name"), text: at(one, type === "text" ? "text" : "input") };
  });
}

/** Cut off by the answer's length, it is no value. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
