// Arbitrary bodies, most of them nearly right: never a 5xx, never silence, always OpenAI's shape.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { testServer } from "./testing/test-server.ts";
import { at } from "./testing/json-path.ts";

const server = testServer("ok <tool_call>{}</tool_call>");

const oddNumber = fc.constantFrom(-1, 0, 1, 1.5, 2, 8, 9, 1e9, 2 ** 31, 2 ** 53, -0, 1e-320, 1e308);
const odd = fc.oneof(
  oddNumber,
  fc.boolean(),
  fc.constant(null),
  fc.string({ maxLength: 5 }),
  fc.constantFrom("\0", "\uD800", "auto", "required", "none", "user", "text", "json_object"),
  fc.jsonValue({ maxDepth: 2 }),
);
const maybeOdd = <T>(right: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: right, weight: 6 }, { arbitrary: odd, weight: 1 });

const text = fc.string({ maxLength: 12 });
const part = fc.record({ type: maybeOdd(fc.constant("text")), text: maybeOdd(text) });
const toolCall = fc.record({
  id: maybeOdd(text),
  type: maybeOdd(fc.constant("function")),
  function: maybeOdd(fc.record({ name: maybeOdd(fc.constant("add")), arguments: maybeOdd(text) })),
});
const message = fc.record(
  {
    role: maybeOdd(fc.constantFrom("user", "system", "developer", "assistant", "tool")),
    content: maybeOdd(fc.oneof(text, fc.array(maybeOdd(part), { maxLength: 3 }))),
    tool_calls: maybeOdd(fc.array(maybeOdd(toolCall), { maxLength: 2 })),
    name: odd,
  },
  { requiredKeys: ["role", "content"] },
);
const tool = fc.record({
  type: maybeOdd(fc.constant("function")),
  function: maybeOdd(
    fc.record({ name: maybeOdd(fc.constantFrom("add", "b")), parameters: maybeOdd(fc.object()) }),
  ),
});
const responseFormat = fc.record(
  {
    type: maybeOdd(fc.constantFrom("text", "json_object", "json_schema")),
    json_schema: maybeOdd(fc.record({ name: maybeOdd(text), schema: maybeOdd(fc.object()) })),
  },
  { requiredKeys: ["type"] },
);
const shared = {
  n: maybeOdd(fc.integer({ min: 1, max: 3 })),
  temperature: maybeOdd(fc.double({ min: 0, max: 2, noNaN: true })),
  top_k: maybeOdd(fc.integer({ min: -1, max: 50 })),
  stop: maybeOdd(fc.oneof(text, fc.array(text, { maxLength: 5 }))),
  stop_token_ids: maybeOdd(fc.array(fc.integer({ min: -1, max: 300 }), { maxLength: 4 })),
  logit_bias: maybeOdd(fc.dictionary(maybeKey(), fc.integer({ min: -101, max: 101 }))),
  max_tokens: maybeOdd(fc.integer({ min: 1, max: 5 })),
  seed: maybeOdd(fc.maxSafeInteger()),
  stream: maybeOdd(fc.boolean()),
  stream_options: maybeOdd(fc.record({ include_usage: maybeOdd(fc.boolean()) })),
  response_format: maybeOdd(responseFormat),
  model: maybeOdd(fc.constant("bytes")),
  unknown: odd,
};
const chatBody = fc.record(
  {
    messages: maybeOdd(fc.array(maybeOdd(message), { maxLength: 4 })),
    tools: maybeOdd(fc.array(maybeOdd(tool), { maxLength: 3 })),
    tool_choice: maybeOdd(fc.constantFrom("auto", "none", "required")),
    logprobs: maybeOdd(fc.boolean()),
    top_logprobs: maybeOdd(fc.integer({ min: 0, max: 20 })),
    chat_template_kwargs: maybeOdd(fc.dictionary(text, odd)),
    ...shared,
  },
  { requiredKeys: ["messages"] },
);
const tokenIds = fc.array(fc.integer({ min: -1, max: 270 }), { maxLength: 5 });
const completionBody = fc.record(
  {
    prompt: maybeOdd(
      fc.oneof(text, tokenIds, fc.array(text), fc.array(tokenIds, { maxLength: 4 })),
    ),
    echo: maybeOdd(fc.boolean()),
    logprobs: maybeOdd(fc.integer({ min: 0, max: 20 })),
    ...shared,
  },
  { requiredKeys: ["prompt"] },
);

function maybeKey(): fc.Arbitrary<string> {
  return fc.oneof(fc.nat(300).map(String), text);
}

const target = fc.oneof(
  fc.record({ path: fc.constant("/v1/chat/completions"), body: maybeOdd(chatBody) }),
  fc.record({ path: fc.constant("/v1/completions"), body: maybeOdd(completionBody) }),
  fc.record({
    path: fc.constantFrom("/tokenize", "/detokenize"),
    body: maybeOdd(fc.record({ content: odd, tokens: maybeOdd(tokenIds) })),
  }),
);

test("any body gets an answer or a refusal that names its reason", async () => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(target, async ({ path, body }) => {
      const reply = await server.post(path, JSON.stringify(body) ?? "");
      seen.add(reply.status);
      expect([200, 400, 404]).toContain(reply.status);
      const isError = reply.status !== 200;
      expect(typeof at(reply.body, "error.message") === "string").toBe(isError);
    }),
    { seed: 9, numRuns: 600 },
  );
  // The bodies are neither all right nor all wrong.
  expect(seen).toContain(200);
  expect(seen).toContain(400);
  expect(server.service.live).toBe(0);
  server.checkIntegrity();
});
