// What /v1/responses and /v1/conversations answer, for /openapi.json.

import { Type, type TObject, type TSchema } from "typebox";

const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()]);
const anything = Type.Unknown();

/** An item; its fields depend on its type. */
export const item: TSchema = Type.Object(
  { id: Type.String(), type: Type.String() },
  { title: "StoredItem", additionalProperties: true },
);

export const itemList: TSchema = Type.Object(
  {
    object: Type.Literal("list"),
    data: Type.Array(item),
    first_id: nullable(Type.String()),
    last_id: nullable(Type.String()),
    has_more: Type.Boolean(),
  },
  { title: "ItemList" },
);

export const conversation: TObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("conversation"),
    created_at: Type.Integer(),
    metadata: Type.Record(Type.String(), Type.String()),
  },
  { title: "Conversation" },
);

const listedFields = {
  updated_at: Type.Integer(),
  title: Type.String({ description: "metadata.title, else the first words of its first question" }),
  items_count: Type.Integer(),
};

const lastResponse = Type.Object(
  { id: Type.String(), status: Type.String() },
  { description: "the one under way, else the last one that is part of it" },
);

/** One conversation, looked up. */
export const conversationFound: TSchema = Type.Object(
  { ...conversation.properties, ...listedFields, last_response: nullable(lastResponse) },
  { title: "ConversationFound" },
);

export const conversationList: TSchema = Type.Object(
  {
    object: Type.Literal("list"),
    data: Type.Array(Type.Object({ ...conversation.properties, ...listedFields })),
    first_id: nullable(Type.String()),
    last_id: nullable(Type.String()),
    has_more: Type.Boolean(),
  },
  { title: "ConversationList" },
);

export const deletedObject: TSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Enum(["conversation.deleted", "response.deleted"]),
    deleted: Type.Literal(true),
  },
  { title: "Deleted" },
);

export const inputTokens: TSchema = Type.Object(
  { object: Type.Literal("response.input_tokens"), input_tokens: Type.Integer() },
  { title: "InputTokens" },
);

const usage = Type.Object({
  input_tokens: Type.Integer(),
  input_tokens_details: Type.Object({
    cached_tokens: Type.Integer(),
    cache_write_tokens: Type.Integer(),
  }),
  output_tokens: Type.Integer(),
  output_tokens_details: Type.Object({ reasoning_tokens: Type.Integer() }),
  total_tokens: Type.Integer(),
});

const fork = Type.Object(
  {
    position: Type.Integer(),
    firstDifferingToken: Type.Integer(),
    oldText: Type.String(),
    newText: Type.String(),
  },
  { description: "where the chat template rewrote the history; absent when it did not" },
);

export const responseBody: TSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("response"),
    created_at: Type.Integer(),
    completed_at: nullable(Type.Integer()),
    status: Type.Enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]),
    error: nullable(Type.Object({ code: Type.String(), message: Type.String() })),
    incomplete_details: nullable(Type.Object({ reason: Type.String() })),
    conversation: nullable(Type.Object({ id: Type.String() })),
    previous_response_id: nullable(Type.String()),
    model: Type.String(),
    instructions: nullable(Type.String()),
    output: Type.Array(item),
    usage: nullable(usage),
    background: Type.Boolean(),
    max_output_tokens: nullable(Type.Integer()),
    max_tool_calls: nullable(Type.Integer()),
    metadata: Type.Record(Type.String(), Type.String()),
    parallel_tool_calls: Type.Boolean(),
    prompt_cache_key: nullable(Type.String()),
    prompt_cache_retention: nullable(Type.String()),
    reasoning: anything,
    safety_identifier: nullable(Type.String()),
    service_tier: Type.String(),
    store: Type.Boolean(),
    temperature: Type.Number(),
    text: anything,
    tool_choice: anything,
    tools: Type.Array(anything),
    top_logprobs: Type.Integer(),
    top_p: Type.Number(),
    truncation: Type.Enum(["auto", "disabled"]),
    user: nullable(Type.String()),
    fork: Type.Optional(fork),
    prompt_token_ids: Type.Optional(Type.Array(Type.Integer())),
    token_ids: Type.Optional(Type.Array(Type.Integer())),
  },
  { title: "Response" },
);
