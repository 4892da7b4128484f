// Bodies of POST /v1/messages and /v1/messages/count_tokens, in Anthropic's form. What a content
// block may hold depends on its type and is checked in message-blocks.ts.

import { Type, type TSchema, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { integerIn } from "../schemas/sampling.ts";
import { cacheControl, type CacheControl } from "./message-blocks.ts";

/** What the model will read. */
export interface PromptFields {
  readonly model?: string;
  readonly messages: readonly MessageBody[];
  readonly system?: string | readonly object[];
  readonly tools?: readonly ToolFieldsBody[];
  readonly tool_choice?: ToolChoiceBody;
  readonly thinking?: { readonly type: "enabled" | "disabled" | "adaptive" | "between_tools" };
  readonly cache_control?: CacheControl;
  readonly output_config?: { readonly format?: { readonly schema: object } };
}

export interface MessagesBody extends PromptFields {
  readonly max_tokens: number;
  readonly stop_sequences?: readonly string[];
  readonly stream?: boolean;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly metadata?: { readonly user_id?: string | null };
  /** Asks the server to hold the conversation; refused so that clients go on without. */
  readonly thread?: object;
}

interface MessageBody {
  readonly role: "user" | "assistant" | "system";
  readonly content: string | readonly object[];
}

interface ToolFieldsBody {
  readonly name: string;
  readonly description?: string;
  readonly input_schema: object;
  readonly strict?: boolean;
  readonly cache_control?: CacheControl;
}

interface ToolChoiceBody {
  readonly type: "auto" | "any" | "tool" | "none";
  readonly name?: string;
  readonly disable_parallel_tool_use?: boolean;
}

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const name = Type.String({ maxLength: requestLimits.idCharsMax });
const toolName = Type.String({ pattern: "^[a-zA-Z0-9_.-]{1,128}$" });
const maxItems = requestLimits.partsMax;

const content = Type.Union([Type.String(), Type.Array(Type.Object({}), { maxItems })], {
  description: "a string or an array of content blocks",
});

const message = Type.Object(
  {
    role: Type.Enum(["user", "assistant", "system"], { description: "user or assistant" }),
    content,
  },
  closed,
);

const tool = Type.Object(
  {
    type: maybe(
      Type.Literal("custom", { description: "tools that the API's provider runs are not here" }),
    ),
    name: toolName,
    description: maybe(Type.String()),
    input_schema: Type.Object({}, { description: "a JSON schema of an object" }),
    strict: maybe(Type.Boolean({ description: "its input always fits the schema" })),
    cache_control: maybe(cacheControl),
    // Of no use to a model that reads the schema.
    input_examples: maybe(Type.Array(Type.Object({}), { maxItems })),
    eager_input_streaming: maybe(Type.Boolean()),
    defer_loading: maybe(Type.Literal(false)),
    allowed_callers: maybe(Type.Array(Type.Literal("direct"), { maxItems: 1 })),
  },
  closed,
);

const toolChoice = Type.Object(
  {
    type: Type.Enum(["auto", "any", "tool", "none"]),
    name: maybe(toolName),
    disable_parallel_tool_use: maybe(Type.Boolean({ description: "true: at most one call" })),
  },
  closed,
);

const thinking = Type.Object(
  {
    type: Type.Enum(["enabled", "disabled", "adaptive", "between_tools"]),
    budget_tokens: maybe(integerIn(0, requestLimits.tokensMax, "without effect")),
    display: maybe(Type.String({ maxLength: 64 })),
  },
  closed,
);

const outputConfig = Type.Object(
  {
    effort: maybe(Type.String({ maxLength: 64, description: "without effect" })),
    format: maybe(
      Type.Object(
        {
          type: Type.Literal("json_schema"),
          schema: Type.Object({}, { description: "a JSON schema" }),
        },
        closed,
      ),
    ),
  },
  closed,
);

const promptProperties: Readonly<Record<keyof PromptFields, TSchema>> = {
  model: maybe(Type.String({ maxLength: requestLimits.idCharsMax, description: "a served model" })),
  messages: Type.Array(message, { minItems: 1, maxItems: requestLimits.messagesMax }),
  system: maybe(content),
  tools: maybe(Type.Array(tool, { maxItems: requestLimits.toolsMax })),
  tool_choice: maybe(toolChoice),
  thinking: maybe(thinking),
  cache_control: maybe(cacheControl),
  output_config: maybe(outputConfig),
};

/** Accepted so that clients work; they change nothing here. */
const inertProperties: Readonly<Record<string, TSchema>> = {
  service_tier: maybe(name),
  inference_geo: maybe(name),
  speed: maybe(name),
  user_profile_id: maybe(name),
  workspace_id: maybe(name),
  diagnostics: maybe(Type.Object({})),
  context_management: maybe(Type.Object({})),
};

const stopSequence = Type.String({ minLength: 1, maxLength: requestLimits.stopBytesMax });

const samplingProperties: Readonly<
  Record<Exclude<keyof MessagesBody, keyof PromptFields>, TSchema>
> = {
  max_tokens: integerIn(1, requestLimits.tokensMax, "the context's length bounds it too"),
  stop_sequences: maybe(
    Type.Array(stopSequence, {
      maxItems: requestLimits.stopStringsMax,
      description: "each of 1 to 256 bytes; not part of the answer",
    }),
  ),
  stream: maybe(Type.Boolean()),
  temperature: maybe(Type.Number({ minimum: 0, maximum: 2, description: "0 is greedy" })),
  top_p: maybe(Type.Number({ minimum: 0, maximum: 1, description: "1 is off" })),
  top_k: maybe(integerIn(0, requestLimits.tokensMax, "0 is off")),
  metadata: maybe(
    Type.Object(
      {
        user_id: maybe(
          Type.Union([Type.String({ maxLength: 512 }), Type.Null()], {
            description: "a string of at most 512 characters",
          }),
        ),
      },
      closed,
    ),
  ),
  thread: maybe(Type.Object({}, { description: "refused: send all messages" })),
};

/** Body of POST /v1/messages. */
export const messagesBody: TUnsafe<MessagesBody> = Type.Unsafe<MessagesBody>(
  Type.Object(
    { ...promptProperties, ...samplingProperties, ...inertProperties },
    { ...closed, title: "MessagesRequest" },
  ),
);

/** Body of POST /v1/messages/count_tokens. */
export const countTokensBody: TUnsafe<PromptFields> = Type.Unsafe<PromptFields>(
  Type.Object(
    { ...promptProperties, ...inertProperties },
    { ...closed, title: "CountTokensRequest" },
  ),
);
