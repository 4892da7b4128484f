// Items of the Responses and Conversations API as clients send them. An item is checked against the
// schema of its own type, so that a refusal names the field at fault and not only "no known form".

import { LociError } from "@loci/core";
import { Type, type TSchema } from "typebox";
import { requestLimits } from "../limits.ts";
import { validationError } from "./validation.ts";

export type InputItem = MessageItem | FunctionCallItem | FunctionOutputItem | ReasoningItem;

export interface MessageItem {
  readonly type?: "message";
  readonly role: "system" | "developer" | "user" | "assistant";
  readonly content: string | readonly TextPart[];
}

/** `refusal` has its words under that name; all others under `text`. */
export type TextPart =
  | { readonly type: "input_text" | "output_text" | "text"; readonly text: string }
  | { readonly type: "refusal"; readonly refusal: string };

export interface FunctionCallItem {
  readonly type: "function_call";
  readonly call_id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface FunctionOutputItem {
  readonly type: "function_call_output";
  readonly call_id: string;
  readonly output: string | readonly TextPart[];
}

export interface ReasoningItem {
  readonly type: "reasoning";
  readonly summary?: readonly object[];
  readonly content?: readonly object[];
  readonly encrypted_content?: string;
}

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const id = Type.String({ maxLength: requestLimits.idCharsMax });
const status = Type.Enum(["in_progress", "completed", "incomplete"]);
const maxItems = requestLimits.partsMax;
// What answers carry and clients send back; not shown to the model.
const sentBack = { id: maybe(id), status: maybe(status), created_by: maybe(Type.String()) };

const part = Type.Union(
  [
    Type.Object(
      {
        type: Type.Enum(["input_text", "output_text", "text"]),
        text: Type.String(),
        annotations: maybe(Type.Array(Type.Unknown())),
        logprobs: maybe(Type.Array(Type.Unknown())),
        prompt_cache_breakpoint: maybe(Type.Object({})),
        // The official clients add it when they parse an answer.
        parsed: maybe(Type.Unknown()),
      },
      closed,
    ),
    Type.Object({ type: Type.Literal("refusal"), refusal: Type.String() }, closed),
  ],
  { description: "a part of type input_text, output_text or refusal; nothing else is read" },
);
const text = Type.Union([Type.String(), Type.Array(part, { maxItems })], {
  description: "a string or an array of text parts",
});

const itemSchemas: Readonly<Record<string, TSchema>> = {
  message: Type.Object(
    {
      type: maybe(Type.Literal("message")),
      role: Type.Enum(["system", "developer", "user", "assistant"]),
      content: text,
      phase: maybe(Type.String({ maxLength: 64 })),
      ...sentBack,
    },
    closed,
  ),
  function_call: Type.Object(
    {
      type: Type.Literal("function_call"),
      call_id: id,
      name: Type.String({ pattern: "^[a-zA-Z0-9_.-]{1,64}$" }),
      arguments: Type.String(),
      // The official clients add it when they parse an answer.
      parsed_arguments: maybe(Type.Unknown()),
      ...sentBack,
    },
    closed,
  ),
  function_call_output: Type.Object(
    {
      type: Type.Literal("function_call_output"),
      call_id: id,
      output: text,
      name: maybe(id),
      ...sentBack,
    },
    closed,
  ),
  reasoning: Type.Object(
    {
      type: Type.Literal("reasoning"),
      summary: maybe(Type.Array(Type.Object({}), { maxItems })),
      content: maybe(Type.Array(Type.Object({}), { maxItems })),
      encrypted_content: maybe(Type.String()),
      ...sentBack,
    },
    closed,
  ),
};

const kinds = Object.keys(itemSchemas).join(", ");

/** An id as this server makes them: nothing else is ever looked up. */
export const madeId: TSchema = Type.String({ pattern: "^[A-Za-z0-9_-]{1,128}$" });

/** An item before `checkedItems`; its fields depend on its type. */
export const anyItem: TSchema = Type.Object(
  {},
  { description: `an item of type ${kinds}`, title: "Item" },
);

/** `items` as what they say they are. Throws invalid_request that names the field under `param`. */
export function checkedItems(items: readonly object[], param: string): readonly InputItem[] {
  return items.map((item, index) => {
    const path = `${param}[${index}]`;
    const type = "type" in item ? item.type : "message";
    const schema = typeof type === "string" ? ownSchema(type) : undefined;
    if (schema === undefined) {
      const message = `'${path}.type' must be one of ${kinds}.`;
      throw new LociError("invalid_request", message, { param: `${path}.type` });
    }
    requireFits(schema, item, path);
    return item;
  });
}

function ownSchema(type: string): TSchema | undefined {
  return Object.hasOwn(itemSchemas, type) ? itemSchemas[type] : undefined;
}

function requireFits(schema: TSchema, item: object, path: string): asserts item is InputItem {
  const error = validationError(schema, item, path);
  if (error !== null) throw error;
}

/** The words of a text field. */
export function plainText(content: string | readonly TextPart[]): string {
  if (typeof content === "string") return content;
  return content.map((one) => (one.type === "refusal" ? one.refusal : one.text)).join("\n");
}
