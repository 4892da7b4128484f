// Arbitrary bodies for responses, conversations and their items, most of them nearly right: never a
// 5xx, never silence, always OpenAI's shape, and the conversation stays usable.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { storeServer, type StoreServer } from "../testing/store-server.ts";
import type { TestReply } from "../testing/test-server.ts";
import { at, textAt } from "../testing/json-path.ts";

const oddNumber = fc.constantFrom(-1, 0, 1, 1.5, 2, 9, 1e9, 2 ** 31, 2 ** 53, -0, 1e-320, 1e308);
const odd = fc.oneof(
  oddNumber,
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 5 }),
  fc.constantFrom("\0", "\uD800", "auto", "required", "message", "function_call", "resp_0"),
  fc.jsonValue({ maxDepth: 2 }),
);
const maybeOdd = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: right, weight: 8 }, { arbitrary: odd, weight: 1 });

const text = fc.string({ maxLength: 12 });
const part = fc.record(
  {
    type: maybeOdd(fc.constantFrom("input_text", "output_text", "refusal", "input_image")),
    text: maybeOdd(text),
    annotations: odd,
    logprobs: odd,
  },
  { requiredKeys: ["type", "text"] },
);
const content = maybeOdd(fc.oneof(text, fc.array(maybeOdd(part), { maxLength: 3 })));
const item = fc.oneof(
  fc.record(
    {
      type: maybeOdd(fc.constant("message")),
      role: maybeOdd(fc.constantFrom("user", "system", "developer", "assistant")),
      content,
      id: odd,
      status: odd,
      phase: odd,
    },
    { requiredKeys: ["role", "content"] },
  ),
  fc.record(
    {
      type: fc.constant("function_call"),
      call_id: maybeOdd(text),
      name: maybeOdd(fc.constant("add")),
      arguments: maybeOdd(fc.constantFrom("{}", '{"a":1}', "{", "x")),
    },
    { requiredKeys: ["type", "call_id", "name", "arguments"] },
  ),
  fc.record(
    { type: fc.constant("function_call_output"), call_id: maybeOdd(text), output: content },
    { requiredKeys: ["type", "call_id", "output"] },
  ),
  fc.record({ type: fc.constant("reasoning"), summary: odd, content: odd, encrypted_content: odd }),
);
const items = fc.array(maybeOdd(item), { maxLength: 4 });
const tool = fc.record(
  {
    type: maybeOdd(fc.constant("function")),
    name: maybeOdd(fc.constantFrom("add", "b")),
    parameters: maybeOdd(fc.object()),
    strict: maybeOdd(fc.boolean()),
  },
  { requiredKeys: ["type", "name"] },
);
const toolChoice = fc.oneof(
  fc.constantFrom("auto", "none", "required"),
  fc.record({ type: fc.constant("function"), name: maybeOdd(fc.constant("add")) }),
  fc.record({
    type: fc.constant("allowed_tools"),
    mode: maybeOdd(fc.constant("auto")),
    tools: maybeOdd(fc.constant([{ type: "function", name: "add" }])),
  }),
);
const format = fc.record(
  {
    type: maybeOdd(fc.constantFrom("text", "json_object", "json_schema")),
    name: maybeOdd(text),
    schema: maybeOdd(fc.object()),
  },
  { requiredKeys: ["type"] },
);

function responseBody(conversation: string): fc.Arbitrary<unknown> {
  return fc.record(
    {
      input: maybeOdd(fc.oneof(text, items)),
      instructions: maybeOdd(text),
      conversation: maybeOdd(fc.constantFrom(conversation, { id: conversation }, "conv_0")),
      previous_response_id: odd,
      tools: maybeOdd(fc.array(maybeOdd(tool), { maxLength: 3 })),
      tool_choice: maybeOdd(toolChoice),
      text: maybeOdd(fc.record({ format: maybeOdd(format), verbosity: odd })),
      store: maybeOdd(fc.boolean()),
      stream: maybeOdd(fc.boolean()),
      background: maybeOdd(fc.constant(false)),
      temperature: maybeOdd(fc.double({ min: 0, max: 2, noNaN: true })),
      max_output_tokens: maybeOdd(fc.integer({ min: 1, max: 5 })),
      truncation: maybeOdd(fc.constantFrom("auto", "disabled")),
      metadata: maybeOdd(fc.dictionary(text, text, { maxKeys: 2 })),
      include: odd,
      top_logprobs: maybeOdd(fc.integer({ min: 0, max: 20 })),
      prompt_cache_retention: maybeOdd(fc.constant("24h")),
      prompt_cache_options: odd,
      reasoning: odd,
      chat_template_kwargs: odd,
    },
    { requiredKeys: ["input"] },
  );
}

const address = fc
  .array(fc.constantFrom("after=x", "limit=2", "limit=-1", "order=asc", "order=%00", "stream=true"))
  .map((parts) => parts.join("&"));

function calls(conversation: string): fc.Arbitrary<(server: StoreServer) => Promise<TestReply>> {
  const one = `/v1/conversations/${conversation}`;
  const posted = fc.oneof(
    fc.record({
      path: fc.constantFrom("/v1/responses", "/v1/responses/input_tokens"),
      body: maybeOdd(responseBody(conversation)),
    }),
    fc.record({
      path: fc.constantFrom("/v1/conversations", one, `${one}/items`),
      body: maybeOdd(fc.record({ items: maybeOdd(items), metadata: odd })),
    }),
  );
  const path = fc.constantFrom(`${one}/items`, "/v1/responses/x", "/v1/responses/x/input_items");
  return fc.oneof(
    posted.map(({ path: to, body }) => (server: StoreServer) => {
      return server.post(to, JSON.stringify(body) ?? "");
    }),
    fc.tuple(path, address).map(([to, query]) => (server: StoreServer) => {
      return server.get(`${to}?${query}`);
    }),
  );
}

test("any request gets an answer or a refusal that names its reason", async () => {
  await using server = await storeServer("ok <tool_call>{}</tool_call>");
  const id = textAt((await server.post("/v1/conversations", {})).body, "id");
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(calls(id), async (call) => {
      const reply = await call(server);
      seen.add(reply.status);
      expect([200, 400, 404]).toContain(reply.status);
      const isError = reply.status !== 200;
      expect(typeof at(reply.body, "error.message") === "string").toBe(isError);
    }),
    { seed: 3, numRuns: 700 },
  );
  // The bodies are neither all right nor all wrong.
  expect(seen).toContain(200);
  expect(seen).toContain(400);
  expect(server.service.live).toBe(0);
  await server.store.checkIntegrity();
  server.checkIntegrity();
});
