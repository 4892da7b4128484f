// What the answers of /v1/messages look like, for /openapi.json.

import { Type, type TSchema } from "typebox";

interface AnswerSchemas {
  readonly description: string;
  readonly response: Readonly<Record<string, object>>;
}

const usage = Type.Object(
  {
    input_tokens: Type.Integer({ description: "neither read from the cache nor written to it" }),
    cache_read_input_tokens: Type.Integer(),
    cache_creation_input_tokens: Type.Integer(),
    output_tokens: Type.Integer(),
  },
  { description: "the prompt's tokens are the sum of the first three" },
);

const block = Type.Union([
  Type.Object({ type: Type.Literal("text"), text: Type.String() }),
  Type.Object({
    type: Type.Literal("tool_use"),
    id: Type.String(),
    name: Type.String(),
    input: Type.Object({}),
  }),
]);

const message = Type.Object(
  {
    id: Type.String(),
    type: Type.Literal("message"),
    role: Type.Literal("assistant"),
    model: Type.String(),
    content: Type.Array(block),
    stop_reason: Type.Enum([
      "end_turn",
      "max_tokens",
      "stop_sequence",
      "tool_use",
      "model_context_window_exceeded",
    ]),
    stop_sequence: Type.Union([Type.String(), Type.Null()]),
    usage,
  },
  { title: "Message" },
);

const error = Type.Object(
  {
    type: Type.Literal("error"),
    error: Type.Object({ type: Type.String(), message: Type.String() }),
    request_id: Type.String(),
  },
  { title: "MessageError" },
);

function answers(response: object, description: string): AnswerSchemas {
  return { description, response: { 200: response, "4xx": error, "5xx": error } };
}

const json = (schema: TSchema): object => ({ "application/json": { schema } });
const events = { "text/event-stream": { schema: { type: "string" } } };

/** By route. */
export const messageSchemas: Readonly<Record<"message" | "count", AnswerSchemas>> = {
  message: answers(
    { description: "The answer", content: { ...json(message), ...events } },
    "Anthropic's Messages API. With `stream: true`: named server-sent events up to `message_stop`.",
  ),
  count: answers(
    {
      description: "The number",
      content: json(Type.Object({ input_tokens: Type.Integer() }, { title: "MessageTokensCount" })),
    },
    "The tokens that the same body would have as a prompt of /v1/messages.",
  ),
};
