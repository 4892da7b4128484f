// What endpoints answer, for /openapi.json. Answers are not validated against these at run time;
// tests do that.

import { Type, type TSchema } from "typebox";

const nullable = (schema: TSchema): TSchema => Type.Union([schema, Type.Null()]);
const maybe = Type.Optional;

/** OpenAI's error shape, of every failure. */
export const errorResponse: TSchema = Type.Object(
  {
    error: Type.Object({
      message: Type.String(),
      type: Type.String(),
      param: nullable(Type.String()),
      code: nullable(Type.String()),
    }),
  },
  { title: "Error" },
);

const usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Object({ cached_tokens: Type.Integer() }),
});

const timings = Type.Object({
  cache_n: Type.Integer(),
  prompt_n: Type.Integer(),
  prompt_ms: Type.Number(),
  prompt_per_second: nullable(Type.Number()),
  predicted_n: Type.Integer(),
  predicted_ms: Type.Number(),
  predicted_per_second: nullable(Type.Number()),
});

const tokenIds = Type.Array(Type.Integer());

const logprob = Type.Object({
  token: Type.String(),
  logprob: Type.Number(),
  bytes: Type.Array(Type.Integer()),
});

const chatLogprobs = Type.Object({
  content: Type.Array(Type.Object({ ...logprob.properties, top_logprobs: Type.Array(logprob) })),
  refusal: Type.Null(),
});

const toolCall = Type.Object({
  id: Type.String(),
  type: Type.Literal("function"),
  function: Type.Object({ name: Type.String(), arguments: Type.String() }),
});

const head = {
  id: Type.String(),
  created: Type.Integer(),
  model: Type.String(),
  system_fingerprint: Type.String(),
};

const tail = { usage, timings: maybe(timings) };

export const chatCompletion: TSchema = Type.Object(
  {
    ...head,
    object: Type.Literal("chat.completion"),
    choices: Type.Array(
      Type.Object({
        index: Type.Integer(),
        message: Type.Object({
          role: Type.Literal("assistant"),
          content: nullable(Type.String()),
          refusal: Type.Null(),
          tool_calls: maybe(Type.Array(toolCall)),
        }),
        logprobs: nullable(chatLogprobs),
        finish_reason: Type.Enum(["stop", "length", "tool_calls"]),
        token_ids: maybe(tokenIds),
      }),
    ),
    prompt_token_ids: maybe(tokenIds),
    ...tail,
  },
  { title: "ChatCompletion" },
);

export const textCompletion: TSchema = Type.Object(
  {
    ...head,
    object: Type.Literal("text_completion"),
    choices: Type.Array(
      Type.Object({
        text: Type.String(),
        index: Type.Integer(),
        logprobs: nullable(
          Type.Object({
            tokens: Type.Array(Type.String()),
            token_logprobs: Type.Array(Type.Number()),
            top_logprobs: Type.Array(Type.Record(Type.String(), Type.Number())),
            text_offset: Type.Array(Type.Integer()),
          }),
        ),
        finish_reason: Type.Enum(["stop", "length"]),
        stop_reason: Type.Union([Type.String(), Type.Integer(), Type.Null()]),
        token_ids: maybe(tokenIds),
        prompt_token_ids: maybe(tokenIds),
      }),
    ),
    ...tail,
  },
  { title: "Completion" },
);

export const modelEntry: TSchema = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("model"),
    created: Type.Integer(),
    owned_by: Type.String(),
    root: Type.String(),
    max_model_len: Type.Integer(),
    meta: Type.Object({
      architecture: Type.String(),
      n_ctx: Type.Integer(),
      n_vocab: Type.Integer(),
      tool_call_format: nullable(Type.String()),
    }),
  },
  { title: "Model" },
);

export const modelList: TSchema = Type.Object(
  { object: Type.Literal("list"), data: Type.Array(modelEntry) },
  { title: "ModelList" },
);

export const tokenList: TSchema = Type.Object(
  {
    tokens: Type.Array(
      Type.Union([
        Type.Integer(),
        Type.Object({
          id: Type.Integer(),
          piece: Type.Union([Type.String(), Type.Array(Type.Integer())]),
        }),
      ]),
    ),
    count: Type.Integer(),
    max_model_len: Type.Integer(),
  },
  { title: "Tokens" },
);

export const detokenized: TSchema = Type.Object(
  { content: Type.String(), prompt: Type.String({ description: "the same as content" }) },
  { title: "Detokenized" },
);

export const status: TSchema = Type.Object({ status: Type.Literal("ok") }, { title: "Status" });

export const versionBody: TSchema = Type.Object({ version: Type.String() }, { title: "Version" });
