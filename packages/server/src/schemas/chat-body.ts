// The body of POST /v1/chat/completions.

import { Type, type TSchema, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { cacheHintProperties, type CacheHintFields } from "./cache-hints.ts";
import { generationProperties, inertProperties, integerIn } from "./sampling.ts";
import type { GenerationFields } from "./sampling.ts";

/** What a chat prompt is made of. */
export interface ChatFields {
  readonly messages: readonly MessageBody[];
  readonly chat_template_kwargs?: Readonly<Record<string, string | number | boolean>>;
  readonly add_generation_prompt?: boolean;
}

export interface ChatBody extends GenerationFields, ChatFields, CacheHintFields {
  readonly tools?: readonly ToolBody[];
  readonly tool_choice?: ToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly logprobs?: boolean;
  readonly top_logprobs?: number;
}

export interface MessageBody {
  readonly role: "system" | "developer" | "user" | "assistant" | "tool";
  readonly content?: string | readonly { readonly type: "text"; readonly text: string }[];
  readonly name?: string;
  readonly tool_calls?: readonly ToolCallBody[];
  readonly tool_call_id?: string;
}

export interface ToolCallBody {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

export interface ToolBody {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string;
    readonly parameters?: unknown;
    readonly strict?: boolean;
  };
}

export type ToolChoice =
  | "none"
  | "auto"
  | "required"
  | { readonly type: "function"; readonly function: { readonly name: string } };

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const functionName = Type.String({ pattern: "^[a-zA-Z0-9_.-]{1,64}$" });

const textParts = Type.Array(
  Type.Object({ type: Type.Literal("text"), text: Type.String() }, closed),
  { maxItems: requestLimits.partsMax },
);

const message = Type.Object(
  {
    role: Type.Enum(["system", "developer", "user", "assistant", "tool"], {
      description: "system, developer, user, assistant or tool",
    }),
    content: maybe(
      Type.Union([Type.String(), textParts], { description: "a string or an array of text parts" }),
    ),
    name: maybe(Type.String({ maxLength: requestLimits.idCharsMax })),
    tool_calls: maybe(
      Type.Array(
        Type.Object(
          {
            id: Type.String({ maxLength: requestLimits.idCharsMax }),
            type: Type.Literal("function"),
            function: Type.Object(
              {
                name: functionName,
                arguments: Type.String(),
                // The official clients add it when they parse an answer.
                parsed_arguments: maybe(Type.Unknown()),
              },
              closed,
            ),
            index: maybe(integerIn(0, requestLimits.toolCallsMax, "as streamed; not used")),
          },
          closed,
        ),
        { maxItems: requestLimits.toolCallsMax },
      ),
    ),
    tool_call_id: maybe(Type.String({ maxLength: requestLimits.idCharsMax })),
    // What answers carry and clients send back; not shown to the model.
    refusal: maybe(Type.String()),
    annotations: maybe(Type.Array(Type.Unknown())),
    reasoning_content: maybe(Type.String()),
    // The official clients add it when they parse an answer.
    parsed: maybe(Type.Unknown()),
  },
  closed,
);

/** The messages of a chat. */
export const chatMessages: TSchema = Type.Array(message, {
  minItems: 1,
  maxItems: requestLimits.messagesMax,
});

/** Variables for the chat template. */
export const templateVariables: TSchema = Type.Record(
  Type.String({ pattern: "^[a-zA-Z_][a-zA-Z0-9_]{0,63}$" }),
  Type.Union([Type.String({ maxLength: 1024 }), Type.Number(), Type.Boolean()], {
    description: "a string, number or boolean",
  }),
  {
    maxProperties: requestLimits.templateVariablesMax,
    additionalProperties: false,
    description: "variables for the chat template, e.g. enable_thinking",
  },
);

const tool = Type.Object(
  {
    type: Type.Literal("function"),
    function: Type.Object(
      {
        name: functionName,
        description: maybe(Type.String()),
        parameters: maybe(Type.Object({}, { description: "a JSON schema of an object" })),
        strict: maybe(Type.Boolean()),
      },
      closed,
    ),
  },
  closed,
);

const toolChoice = Type.Union(
  [
    Type.Literal("none"),
    Type.Literal("auto"),
    Type.Literal("required"),
    Type.Object(
      { type: Type.Literal("function"), function: Type.Object({ name: functionName }, closed) },
      closed,
    ),
  ],
  { description: "none, auto, required, or a function by name" },
);

/** Body of POST /v1/chat/completions. */
export const chatBody: TUnsafe<ChatBody> = Type.Unsafe<ChatBody>(
  Type.Object(
    {
      messages: chatMessages,
      ...generationProperties,
      tools: maybe(Type.Array(tool, { maxItems: requestLimits.toolsMax })),
      tool_choice: maybe(toolChoice),
      parallel_tool_calls: maybe(Type.Boolean({ description: "false: at most one call" })),
      max_tokens: maybe(integerIn(1, requestLimits.tokensMax, "default: what the context leaves")),
      max_completion_tokens: maybe(integerIn(1, requestLimits.tokensMax, "goes before max_tokens")),
      logprobs: maybe(Type.Boolean()),
      top_logprobs: maybe(integerIn(0, requestLimits.logprobsMax, "needs logprobs: true")),
      chat_template_kwargs: maybe(templateVariables),
      add_generation_prompt: maybe(Type.Boolean()),
      ...cacheHintProperties,
      ...inertProperties,
    },
    { additionalProperties: false, title: "ChatCompletionRequest" },
  ),
);
