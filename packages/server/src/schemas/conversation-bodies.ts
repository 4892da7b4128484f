// Bodies and queries of /v1/conversations.

import { Type, type TSchema, type TUnsafe } from "typebox";
import { anyItem, madeId } from "./response-items.ts";
import { metadataProperty } from "./sampling.ts";

export interface ConversationBody {
  readonly items?: readonly object[];
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface ItemsBody {
  readonly items: readonly object[];
}

/** Items of one call, as OpenAI bounds them. */
const itemsPerCallMax = 20;
const closed = { additionalProperties: false };
const maybe = Type.Optional;

/** Body of POST /v1/conversations. */
export const conversationBody: TUnsafe<ConversationBody> = Type.Unsafe<ConversationBody>(
  Type.Object(
    {
      items: maybe(Type.Array(anyItem, { maxItems: itemsPerCallMax })),
      metadata: metadataProperty,
    },
    { ...closed, title: "ConversationRequest" },
  ),
);

/** Body of POST /v1/conversations/{id}. */
export const conversationUpdate: TUnsafe<ConversationBody> = Type.Unsafe<ConversationBody>(
  Type.Object({ metadata: metadataProperty }, { ...closed, title: "ConversationUpdate" }),
);

export interface BranchBody {
  readonly after_item_id?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Body of POST /v1/conversations/{id}/branch. */
export const branchBody: TUnsafe<BranchBody> = Type.Unsafe<BranchBody>(
  Type.Object(
    {
      after_item_id: maybe(madeId),
      metadata: metadataProperty,
    },
    { ...closed, title: "BranchRequest" },
  ),
);

/** Body of POST /v1/conversations/{id}/items. */
export const itemsBody: TUnsafe<ItemsBody> = Type.Unsafe<ItemsBody>(
  Type.Object(
    { items: Type.Array(anyItem, { minItems: 1, maxItems: itemsPerCallMax }) },
    { ...closed, title: "ItemsRequest" },
  ),
);

const note: TSchema = Type.String({ maxLength: 64 });

/** The ids of an address. */
export const idParams: TSchema = Type.Object({ id: madeId, item: maybe(madeId) });

/** What a listing's address may say; read by `pageQuery`. */
export const pageQuerySchema: TSchema = Type.Object({
  after: maybe(madeId),
  limit: maybe(note),
  order: maybe(note),
  include: maybe(Type.Unknown()),
});

/** What the address of GET /v1/conversations may say. */
export const listQuerySchema: TSchema = Type.Object({
  after: maybe(madeId),
  limit: maybe(note),
  order: maybe(note),
  query: maybe(Type.String({ maxLength: 200 })),
});

/** What the address of GET /v1/responses/{id} may say. */
export const retrieveQuerySchema: TSchema = Type.Object({
  stream: maybe(Type.Enum(["true", "false"])),
  starting_after: maybe(note),
  include: maybe(Type.Unknown()),
  include_obfuscation: maybe(note),
});
