// Fields that both generation endpoints share: sampling, length, stopping, output form, streaming.

import { Type, type TSchema } from "typebox";
import { requestLimits } from "../limits.ts";

export interface GenerationFields {
  readonly model?: string;
  readonly n?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly min_p?: number;
  readonly repetition_penalty?: number;
  readonly repeat_penalty?: number;
  readonly presence_penalty?: number;
  readonly frequency_penalty?: number;
  readonly logit_bias?: Readonly<Record<string, number>>;
  readonly seed?: number;
  readonly stop?: string | readonly string[];
  readonly stop_token_ids?: readonly number[];
  readonly min_tokens?: number;
  readonly ignore_eos?: boolean;
  readonly response_format?: ResponseFormat;
  readonly grammar?: string;
  readonly guided_json?: unknown;
  readonly structured_outputs?: { readonly json?: unknown; readonly grammar?: string };
  readonly stream?: boolean;
  readonly stream_options?: StreamOptions;
  readonly return_token_ids?: boolean;
  readonly cache_salt?: string;
  readonly priority?: number;
}

export interface StreamOptions {
  readonly include_usage?: boolean;
  readonly continuous_usage_stats?: boolean;
  readonly include_obfuscation?: boolean;
}

export type ResponseFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object"; readonly schema?: unknown }
  | { readonly type: "json_schema"; readonly json_schema: JsonSchemaFormat };

export interface JsonSchemaFormat {
  readonly name: string;
  readonly description?: string;
  readonly strict?: boolean;
  readonly schema: unknown;
}

const maybe = Type.Optional;

function numberIn(minimum: number, maximum: number, description: string): TSchema {
  return Type.Number({ minimum, maximum, description });
}

export function integerIn(minimum: number, maximum: number, description: string): TSchema {
  return Type.Integer({ minimum, maximum, description });
}

const stopString = Type.String({ minLength: 1, maxLength: requestLimits.stopBytesMax });
const tokenId = Type.Integer({ minimum: 0, maximum: requestLimits.tokensMax });
const anySchema = Type.Union([Type.Object({}), Type.Boolean()], {
  description: "a JSON schema; refused when it cannot be enforced",
});
const closed = { additionalProperties: false };

const responseFormat = Type.Union(
  [
    Type.Object({ type: Type.Literal("text") }, closed),
    Type.Object({ type: Type.Literal("json_object"), schema: maybe(anySchema) }, closed),
    Type.Object(
      {
        type: Type.Literal("json_schema"),
        json_schema: Type.Object(
          {
            name: Type.String({ minLength: 1, maxLength: 64 }),
            description: maybe(Type.String()),
            strict: maybe(Type.Boolean()),
            schema: anySchema,
          },
          closed,
        ),
      },
      closed,
    ),
  ],
  { description: "text, json_object, or json_schema with json_schema.name and .schema" },
);

const streamOptions = Type.Object(
  {
    include_usage: maybe(Type.Boolean({ description: "a last chunk with the usage" })),
    continuous_usage_stats: maybe(Type.Boolean({ description: "the usage in every chunk" })),
    include_obfuscation: maybe(Type.Boolean({ description: "accepted, without effect" })),
  },
  closed,
);

/** Properties shared by the bodies of /v1/chat/completions and /v1/completions. */
export const generationProperties: Readonly<Record<keyof GenerationFields, TSchema>> = {
  model: maybe(Type.String({ maxLength: requestLimits.idCharsMax, description: "a served model" })),
  n: maybe(integerIn(1, requestLimits.choicesMax, "answers per prompt")),
  temperature: maybe(numberIn(0, 2, "0 is greedy")),
  top_p: maybe(numberIn(0, 1, "1 is off; 0 keeps the likeliest token")),
  top_k: maybe(integerIn(-1, requestLimits.tokensMax, "0 and -1 are off")),
  min_p: maybe(numberIn(0, 1, "0 is off")),
  repetition_penalty: maybe(numberIn(0.01, 10, "1 is off; over prompt and answer")),
  repeat_penalty: maybe(numberIn(0.01, 10, "the same as repetition_penalty")),
  presence_penalty: maybe(numberIn(-2, 2, "0 is off")),
  frequency_penalty: maybe(numberIn(-2, 2, "0 is off")),
  logit_bias: maybe(
    Type.Record(Type.String({ pattern: "^[0-9]{1,10}$" }), numberIn(-100, 100, "added"), {
      maxProperties: requestLimits.listEntriesMax,
      additionalProperties: false,
      description: "token id to a number in -100..100, added to its logit",
    }),
  ),
  seed: maybe(
    integerIn(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, "absent or -1: by chance"),
  ),
  stop: maybe(
    Type.Union([stopString, Type.Array(stopString, { maxItems: requestLimits.stopStringsMax })], {
      description: "one string or at most 4, each of 1 to 256 bytes; not part of the answer",
    }),
  ),
  stop_token_ids: maybe(Type.Array(tokenId, { maxItems: requestLimits.listEntriesMax })),
  min_tokens: maybe(integerIn(0, requestLimits.tokensMax, "no end before this many tokens")),
  ignore_eos: maybe(Type.Boolean({ description: "generate on after the end token" })),
  response_format: maybe(responseFormat),
  grammar: maybe(
    Type.String({ minLength: 1, maxLength: requestLimits.grammarCharsMax, description: "GBNF" }),
  ),
  guided_json: maybe(anySchema),
  structured_outputs: maybe(
    Type.Object(
      {
        json: maybe(anySchema),
        grammar: maybe(Type.String({ minLength: 1, maxLength: requestLimits.grammarCharsMax })),
      },
      closed,
    ),
  ),
  stream: maybe(Type.Boolean()),
  stream_options: maybe(streamOptions),
  return_token_ids: maybe(Type.Boolean({ description: "adds the ids of prompt and answer" })),
  priority: maybe(integerIn(-1000, 1000, "lower is served first; 0 when absent")),
  cache_salt: maybe(
    Type.String({ minLength: 1, maxLength: 128, description: "shares the cache only with itself" }),
  ),
};

/** Up to 16 texts that belong to whoever sent them. */
export const metadataProperty: TSchema = maybe(
  Type.Record(
    Type.String({ maxLength: 64 }),
    Type.String({ maxLength: requestLimits.metadataValueCharsMax }),
    { maxProperties: requestLimits.metadataKeysMax },
  ),
);

/** OpenAI fields that are accepted so that its clients work, and that change nothing here. */
export const inertProperties: Readonly<Record<string, TSchema>> = {
  user: maybe(Type.String({ maxLength: 512 })),
  metadata: metadataProperty,
  store: maybe(Type.Boolean()),
  service_tier: maybe(Type.String({ maxLength: 64 })),
  safety_identifier: maybe(Type.String({ maxLength: 512 })),
  reasoning_effort: maybe(Type.String({ maxLength: 64 })),
  verbosity: maybe(Type.String({ maxLength: 64 })),
  modalities: maybe(Type.Array(Type.Literal("text"), { minItems: 1, maxItems: 1 })),
};
