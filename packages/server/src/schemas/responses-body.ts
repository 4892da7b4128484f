// The body of POST /v1/responses and of /v1/responses/input_tokens.

import { Type, type TSchema, type TUnsafe } from "typebox";
import { requestLimits } from "../limits.ts";
import { templateVariables } from "./chat-body.ts";
import { cacheHintProperties, type CacheHintFields } from "./cache-hints.ts";
import { anyItem, madeId } from "./response-items.ts";
import { generationProperties, integerIn, metadataProperty } from "./sampling.ts";
import type { GenerationFields } from "./sampling.ts";

/** What both generation APIs know under the same name, without what is chat's own. */
type SharedFields = Omit<GenerationFields, "n" | "response_format" | "stream_options">;

export interface ResponsesBody extends SharedFields, CacheHintFields {
  readonly input?: string | readonly object[];
  readonly instructions?: string;
  readonly conversation?: string | { readonly id: string };
  readonly previous_response_id?: string;
  readonly continue_response?: string;
  readonly regenerate_response?: string;
  readonly store?: boolean;
  readonly background?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tools?: readonly FunctionTool[];
  readonly tool_choice?: ResponsesToolChoice;
  readonly parallel_tool_calls?: boolean;
  readonly text?: { readonly format?: TextFormat; readonly verbosity?: string };
  readonly max_output_tokens?: number;
  readonly max_tool_calls?: number;
  readonly truncation?: "auto" | "disabled";
  readonly top_logprobs?: number;
  readonly include?: readonly string[];
  readonly reasoning?: { readonly effort?: string; readonly summary?: string };
  readonly service_tier?: string;
  readonly user?: string;
  readonly safety_identifier?: string;
  readonly chat_template_kwargs?: Readonly<Record<string, string | number | boolean>>;
}

export interface FunctionTool {
  readonly type: "function";
  readonly name: string;
  readonly description?: string;
  readonly parameters?: object;
  readonly strict?: boolean;
}

export type ResponsesToolChoice =
  | "none"
  | "auto"
  | "required"
  | { readonly type: "function"; readonly name: string }
  | {
      readonly type: "allowed_tools";
      readonly mode: "auto" | "required";
      readonly tools: readonly { readonly type: "function"; readonly name: string }[];
    };

export type TextFormat =
  | { readonly type: "text" }
  | { readonly type: "json_object" }
  | {
      readonly type: "json_schema";
      readonly name: string;
      readonly description?: string;
      readonly strict?: boolean;
      readonly schema: object;
    };

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const functionName = Type.String({ pattern: "^[a-zA-Z0-9_.-]{1,64}$" });
const shortText = Type.String({ maxLength: 64 });

const tool = Type.Object(
  {
    type: Type.Literal("function"),
    name: functionName,
    description: maybe(Type.String()),
    parameters: maybe(Type.Object({}, { description: "a JSON schema of an object" })),
    strict: maybe(Type.Boolean({ description: "true binds the arguments to their schema" })),
    // The official clients add them for tools that they parse; without meaning here.
    output_schema: maybe(Type.Object({})),
  },
  closed,
);

const oneFunction = Type.Object({ type: Type.Literal("function"), name: functionName }, closed);
const toolChoice = Type.Union(
  [
    Type.Literal("none"),
    Type.Literal("auto"),
    Type.Literal("required"),
    oneFunction,
    Type.Object(
      {
        type: Type.Literal("allowed_tools"),
        mode: Type.Enum(["auto", "required"]),
        tools: Type.Array(oneFunction, { minItems: 1, maxItems: requestLimits.toolsMax }),
      },
      closed,
    ),
  ],
  { description: "none, auto, required, a function by name, or allowed_tools" },
);

const textFormat = Type.Union(
  [
    Type.Object({ type: Type.Literal("text") }, closed),
    Type.Object({ type: Type.Literal("json_object") }, closed),
    Type.Object(
      {
        type: Type.Literal("json_schema"),
        name: Type.String({ minLength: 1, maxLength: 64 }),
        description: maybe(Type.String()),
        strict: maybe(Type.Boolean()),
        schema: Type.Object({}),
      },
      closed,
    ),
  ],
  { description: "text, json_object, or json_schema with name and schema" },
);

/** What decides which tokens the model reads. */
const promptProperties: Readonly<Record<string, TSchema>> = {
  input: maybe(
    Type.Union([Type.String(), Type.Array(anyItem, { maxItems: requestLimits.messagesMax })], {
      description: "a text or an array of items",
    }),
  ),
  instructions: maybe(Type.String({ description: "a system message before everything else" })),
  conversation: maybe(
    Type.Union([madeId, Type.Object({ id: madeId }, closed)], {
      description: "a conversation's id, or {id}; its items go before the input",
    }),
  ),
  previous_response_id: maybe(madeId),
  tools: maybe(Type.Array(tool, { maxItems: requestLimits.toolsMax })),
  tool_choice: maybe(toolChoice),
  parallel_tool_calls: maybe(Type.Boolean({ description: "false: at most one call" })),
  text: maybe(Type.Object({ format: maybe(textFormat), verbosity: maybe(shortText) }, closed)),
  truncation: maybe(Type.Enum(["auto", "disabled"], { description: "auto drops oldest turns" })),
  reasoning: maybe(
    Type.Object(
      {
        effort: maybe(shortText),
        summary: maybe(shortText),
        generate_summary: maybe(shortText),
        mode: maybe(shortText),
        context: maybe(shortText),
      },
      { ...closed, description: "accepted, without effect" },
    ),
  ),
  chat_template_kwargs: maybe(templateVariables),
};

function sharedProperties(): Readonly<Record<string, TSchema>> {
  const { n, response_format, stream_options, ...shared } = generationProperties;
  void [n, response_format, stream_options];
  return shared;
}

/** Body of POST /v1/responses. */
export const responsesBody: TUnsafe<ResponsesBody> = Type.Unsafe<ResponsesBody>(
  Type.Object(
    {
      ...promptProperties,
      ...sharedProperties(),
      ...cacheHintProperties,
      continue_response: maybe(madeId),
      regenerate_response: maybe(madeId),
      store: maybe(Type.Boolean({ description: "false: nothing is kept; default true" })),
      background: maybe(Type.Boolean({ description: "answer at once, generate afterwards" })),
      metadata: metadataProperty,
      max_output_tokens: maybe(
        integerIn(1, requestLimits.tokensMax, "default: what the context leaves"),
      ),
      max_tool_calls: maybe(integerIn(1, requestLimits.tokensMax, "without effect")),
      top_logprobs: maybe(integerIn(0, requestLimits.logprobsMax, "alternatives per token")),
      include: maybe(
        Type.Array(shortText, { maxItems: 16, description: "message.output_text.logprobs" }),
      ),
      stream_options: maybe(
        Type.Object(
          { include_obfuscation: maybe(Type.Boolean({ description: "without effect" })) },
          closed,
        ),
      ),
      service_tier: maybe(shortText),
      user: maybe(Type.String({ maxLength: 512 })),
      safety_identifier: maybe(Type.String({ maxLength: 512 })),
    },
    { ...closed, title: "ResponsesRequest" },
  ),
);

/** Body of POST /v1/responses/input_tokens. */
export const inputTokensBody: TUnsafe<ResponsesBody> = Type.Unsafe<ResponsesBody>(
  Type.Object(
    {
      ...promptProperties,
      model: generationProperties.model,
      personality: maybe(shortText),
    },
    { ...closed, title: "InputTokensRequest" },
  ),
);
