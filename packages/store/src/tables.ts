// The tables as the programs see them. migrations.ts creates them; a test holds the two together.

import { Table } from "./table.ts";
import type { Columns, RowOf } from "./table.ts";

const metaColumns = { name: "text", value: "text" } as const;

const conversationColumns = {
  tenant: "text",
  id: "text",
  created: "integer",
  metadata: "text",
  version: "integer",
  item_count: "integer",
  item_bytes: "integer",
  /** Position of the next item; positions are never used twice. */
  next_position: "integer",
  busy_response: "text?",
  last_response: "text?",
} as const;

const headColumns = {
  tenant: "text",
  conversation: "text",
  /** Unix seconds of the last change of its items. */
  updated: "integer",
  title: "text",
} as const;

const searchTextColumns = {
  tenant: "text",
  conversation: "text",
  /** What a search looks at: the beginning of its text, in lower case. */
  search: "text",
} as const;

const itemColumns = {
  tenant: "text",
  conversation: "text",
  position: "integer",
  id: "text",
  type: "text",
  content: "text",
} as const;

const responseColumns = {
  tenant: "text",
  id: "text",
  created: "integer",
  ended: "integer?",
  status: "text",
  conversation: "text?",
  previous: "text?",
  parameters: "text",
  input_items: "text",
  output_items: "text",
  usage: "text?",
  error: "text?",
  incomplete_details: "text?",
  notes: "text?",
  is_history: "integer",
  prompt_tokens: "integer?",
  answer_tokens: "integer?",
  /** Who works on it; null when it is final. */
  owner: "integer?",
} as const;

const tokenListColumns = {
  tenant: "text",
  /** "r:" and a response's id, or "c:" and a chat turn's key. */
  id: "text",
  parent: "text?",
  /** Tokens taken from the beginning of the parent's list. */
  shared: "integer",
  /** Shared tokens and own ones. */
  total: "integer",
  /** Upper bound of the parents up to a list without one. */
  depth: "integer",
  /** Own tokens, packed. */
  rest: "blob",
} as const;

const chatTurnColumns = {
  tenant: "text",
  key: "text",
  parent_key: "text?",
  created: "integer",
  prompt_tokens: "integer",
} as const;

const idempotencyColumns = {
  tenant: "text",
  key: "text",
  digest: "text",
  created: "integer",
  /** Who executes it; null when it is finished. */
  owner: "integer?",
  reply_status: "integer?",
  reply_type: "text?",
  reply_body: "text?",
} as const;

const responseReplyColumns = {
  tenant: "text",
  response: "text",
  /** The idempotency key whose kept reply tells the response. */
  key: "text",
  /** When that key was claimed: it may be used anew after its time. */
  claimed: "integer",
} as const;

const erasureColumns = {
  number: "integer",
  tenant: "text",
  /** Of the tokens, so many of the first stay. */
  shared: "integer",
  /** Tokens; null: all of the tenant's, and none are named. */
  total: "integer?",
  /** Packed. */
  tokens: "blob",
} as const;

const erasingWorkerColumns = {
  worker: "text",
  /** The number of the last erasure that it has done, and all before it. */
  done: "integer",
  /** Unix seconds when it was last met. */
  seen: "integer",
} as const;

export type ConversationRow = RowOf<typeof conversationColumns>;
export type HeadRow = RowOf<typeof headColumns>;
export type SearchTextRow = RowOf<typeof searchTextColumns>;
export type ItemRow = RowOf<typeof itemColumns>;
export type ResponseRow = RowOf<typeof responseColumns>;
export type TokenListRow = RowOf<typeof tokenListColumns>;
export type ErasureRow = RowOf<typeof erasureColumns>;
export type ErasingWorkerRow = RowOf<typeof erasingWorkerColumns>;

export const metaTable: Table<typeof metaColumns> = new Table("meta", metaColumns, ["name"]);
export const conversationTable: Table<typeof conversationColumns> = new Table(
  "conversations",
  conversationColumns,
  ["tenant", "id"],
);
export const headTable: Table<typeof headColumns> = new Table("conversation_heads", headColumns, [
  "tenant",
  "conversation",
]);
export const searchTextTable: Table<typeof searchTextColumns> = new Table(
  "conversation_texts",
  searchTextColumns,
  ["tenant", "conversation"],
);
export const itemTable: Table<typeof itemColumns> = new Table("items", itemColumns, [
  "tenant",
  "conversation",
  "position",
]);
export const responseTable: Table<typeof responseColumns> = new Table(
  "responses",
  responseColumns,
  ["tenant", "id"],
);
export const tokenListTable: Table<typeof tokenListColumns> = new Table(
  "token_lists",
  tokenListColumns,
  ["tenant", "id"],
);
export const chatTurnTable: Table<typeof chatTurnColumns> = new Table(
  "chat_turns",
  chatTurnColumns,
  ["tenant", "key"],
);
export const idempotencyTable: Table<typeof idempotencyColumns> = new Table(
  "idempotency",
  idempotencyColumns,
  ["tenant", "key"],
);
export const responseReplyTable: Table<typeof responseReplyColumns> = new Table(
  "response_replies",
  responseReplyColumns,
  ["tenant", "response"],
);
export const erasureTable: Table<typeof erasureColumns> = new Table("erasures", erasureColumns, [
  "number",
]);
export const erasingWorkerTable: Table<typeof erasingWorkerColumns> = new Table(
  "erasing_workers",
  erasingWorkerColumns,
  ["worker"],
);

/** What `visit` makes of each table. */
export function ofEachTable<R>(visit: <C extends Columns>(table: Table<C>) => R): readonly R[] {
  return [
    visit(metaTable),
    visit(conversationTable),
    visit(headTable),
    visit(searchTextTable),
    visit(itemTable),
    visit(responseTable),
    visit(tokenListTable),
    visit(chatTurnTable),
    visit(idempotencyTable),
    visit(responseReplyTable),
    visit(erasureTable),
    visit(erasingWorkerTable),
  ];
}
