// Content blocks of Anthropic's messages. Each is checked against the schema of its own type, so
// that a refusal names the field at fault; what this server cannot read is refused by its name.

import { LociError } from "@loci/core";
import { Type, type TSchema } from "typebox";
import { requestLimits } from "../limits.ts";
import { invalid } from "../sampling-params.ts";
import { validationError } from "../schemas/validation.ts";

export interface CacheControl {
  readonly type: "ephemeral";
  readonly ttl?: "5m" | "1h";
}

export type ContentBlock =
  | TextBlock
  | ToolUseBlock
  | ToolResultBlock
  | { readonly type: "thinking" | "redacted_thinking" };

export interface TextBlock {
  readonly type: "text";
  readonly text: string;
}

export interface ToolUseBlock {
  readonly type: "tool_use";
  readonly id: string;
  readonly name: string;
  readonly input: object;
}

export interface ToolResultBlock {
  readonly type: "tool_result";
  readonly tool_use_id: string;
  readonly content?: string | readonly object[];
}

type Role = "user" | "assistant" | "system";

const maybe = Type.Optional;
const closed = { additionalProperties: false };
const id = Type.String({ minLength: 1, maxLength: requestLimits.idCharsMax });

/** A wish to keep the prompt's cache; see `retainSeconds`. */
export const cacheControl: TSchema = Type.Object(
  {
    type: Type.Literal("ephemeral"),
    ttl: maybe(Type.Enum(["5m", "1h"])),
    scope: maybe(Type.String({ maxLength: 64 })),
  },
  closed,
);

const shared = { cache_control: maybe(cacheControl) };
/** What answers carry and clients send back. */
const sentBack = { caller: maybe(Type.Object({})), toolset_name: maybe(id) };

interface BlockRule {
  readonly schema: TSchema;
  readonly roles: readonly Role[];
}

const blockRules: Readonly<Record<ContentBlock["type"], BlockRule>> = {
  text: {
    roles: ["user", "assistant", "system"],
    schema: Type.Object(
      {
        type: Type.Literal("text"),
        text: Type.String(),
        citations: maybe(Type.Array(Type.Unknown())),
        // The official client adds it when it parses an answer.
        parsed_output: maybe(Type.Unknown()),
        ...shared,
      },
      closed,
    ),
  },
  thinking: {
    roles: ["assistant"],
    schema: Type.Object(
      {
        type: Type.Literal("thinking"),
        thinking: Type.String(),
        signature: maybe(Type.String()),
        ...shared,
      },
      closed,
    ),
  },
  redacted_thinking: {
    roles: ["assistant"],
    schema: Type.Object(
      { type: Type.Literal("redacted_thinking"), data: Type.String(), ...shared },
      closed,
    ),
  },
  tool_use: {
    roles: ["assistant"],
    schema: Type.Object(
      {
        type: Type.Literal("tool_use"),
        id,
        name: Type.String({ pattern: "^[a-zA-Z0-9_.-]{1,128}$" }),
        input: Type.Object({}),
        ...shared,
        ...sentBack,
      },
      closed,
    ),
  },
  tool_result: {
    roles: ["user"],
    schema: Type.Object(
      {
        type: Type.Literal("tool_result"),
        tool_use_id: id,
        content: maybe(
          Type.Union(
            [Type.String(), Type.Array(Type.Object({}), { maxItems: requestLimits.partsMax })],
            { description: "a string or an array of text blocks" },
          ),
        ),
        is_error: maybe(Type.Boolean()),
        ...shared,
        ...sentBack,
      },
      closed,
    ),
  },
};

/** Blocks of a message as what they say they are. Throws invalid_request that names the field. */
export function checkedBlocks(
  content: string | readonly object[],
  role: Role,
  path: string,
): readonly ContentBlock[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return content.map((block, index) => checkedBlock(block, role, `${path}[${index}]`));
}

/** The text of blocks that may be nothing else. Throws invalid_request. */
export function plainText(content: string | readonly object[], path: string): readonly string[] {
  return checkedBlocks(content, "system", path).flatMap((block) =>
    block.type === "text" ? [block.text] : [],
  );
}

function checkedBlock(block: object, role: Role, path: string): ContentBlock {
  const type: unknown = "type" in block ? block.type : undefined;
  const rule = typeof type === "string" ? ruleOf(type) : null;
  if (rule === null) throw unknownBlock(type, path);
  if (!rule.roles.includes(role)) {
    const place = role === "system" ? "There is only text here" : `Not in a message of the ${role}`;
    throw invalid(`${path}.type`, `${place}: '${path}' is of type ${String(type)}.`);
  }
  requireFits(rule.schema, block, path);
  return block;
}

function ruleOf(type: string): BlockRule | null {
  return isKnown(type) ? blockRules[type] : null;
}

function isKnown(type: string): type is ContentBlock["type"] {
  return Object.hasOwn(blockRules, type);
}

const foreignTypes: ReadonlySet<string> = new Set([
  "image",
  "document",
  "search_result",
  "container_upload",
]);

function unknownBlock(type: unknown, path: string): LociError {
  const known = Object.keys(blockRules).join(", ");
  if (typeof type !== "string" || !foreignTypes.has(type)) {
    return invalid(`${path}.type`, `'${path}.type' must be one of ${known}.`);
  }
  return new LociError("invalid_request", `'${path}' is of type ${type}: only text is read here.`, {
    param: `${path}.type`,
    remedy: "Send what it says as a text block.",
  });
}

function requireFits(schema: TSchema, block: object, path: string): asserts block is ContentBlock {
  const error = validationError(schema, block, path);
  if (error !== null) throw error;
}
