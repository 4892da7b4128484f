// Conversations and their items. The conversation's row says how many items there are and how far
// positions were used, so that a lost item is noticed when the history is read.

import { LociError } from "@loci/core";

import { conversationBytesMax, conversationItemsMax } from "../limits.ts";
import type { PackedConversation, PackedItem, Place } from "../packed.ts";
import { query } from "../program.ts";
import type { Program } from "../program.ts";
import type { ChangeOutcome, Conversation, ItemPageQuery } from "../records.ts";
import { corruptStore } from "../table.ts";
import { conversationTable, itemTable } from "../tables.ts";
import type { ConversationRow, ItemRow } from "../tables.ts";
import { growHead, openHead, remakeHead } from "./conversation-heads.ts";
import { conversationOf } from "./conversation-record.ts";

export function* createConversation(input: PackedConversation): Program<Conversation> {
  const { tenant, id, createdUnixSeconds, metadata, items } = input;
  const row: ConversationRow = {
    tenant,
    id,
    created: createdUnixSeconds,
    metadata,
    version: 0,
    item_count: 0,
    item_bytes: 0,
    next_position: 0,
    busy_response: null,
    last_response: null,
  };
  const isNew = yield* conversationTable.insertNew(row);
  if (!isNew) throw usedTwice("conversation", id);
  yield* openHead(row);
  if (items.length === 0) return conversationOf(row);
  const added = { items, nowUnixSeconds: createdUnixSeconds };
  return conversationOf(yield* addItems(row, added, {}));
}

export function* readConversation({ tenant, id }: Place): Program<Conversation | null> {
  const row = yield* conversationTable.find(tenant, id);
  return row ? conversationOf(row) : null;
}

export interface PackedHistory {
  readonly conversation: Conversation;
  readonly items: readonly PackedItem[];
}

export function* readHistory({ tenant, id }: Place): Program<PackedHistory | null> {
  const row = yield* conversationTable.find(tenant, id);
  if (!row) return null;
  const rest = "WHERE tenant = ? AND conversation = ? ORDER BY position";
  const items = yield* itemTable.select(rest, [tenant, id]);
  if (items.length !== row.item_count) {
    throw corruptStore(`A conversation has ${items.length} of its ${row.item_count} items.`);
  }
  return { conversation: conversationOf(row), items: items.map(packedItemOf) };
}

export function* updateMetadata(
  input: Place & { readonly metadata: string },
): Program<Conversation | null> {
  const row = yield* conversationTable.findToChange(input.tenant, input.id);
  if (!row) return null;
  const changed = { ...row, metadata: input.metadata };
  yield* conversationTable.update(changed);
  yield* remakeHead(changed, null);
  return conversationOf(changed);
}

export function* appendItems(input: Place & AddedItems): Program<ChangeOutcome> {
  const row = yield* conversationTable.findToChange(input.tenant, input.id);
  if (!row) return { outcome: "missing", what: "conversation" };
  if (row.busy_response !== null) return { outcome: "busy", responseId: row.busy_response };
  const changed = yield* addItems(row, input, {});
  return { outcome: "done", conversation: conversationOf(changed) };
}

export function* listItems(
  input: Place & { readonly query: ItemPageQuery },
): Program<{ readonly items: readonly PackedItem[]; readonly hasMore: boolean } | null> {
  const { tenant, id } = input;
  const { after, limit, order } = input.query;
  const conversation = yield* conversationTable.find(tenant, id);
  if (!conversation) return null;
  const start = after === null ? null : yield* findItem(tenant, id, after);
  if (after !== null && start === null) return null;
  const isAscending = order === "asc";
  const edge = start?.position ?? (isAscending ? -1 : conversation.next_position);
  const rest = `WHERE tenant = ? AND conversation = ? AND position ${isAscending ? ">" : "<"} ?
    ORDER BY position ${isAscending ? "ASC" : "DESC"} LIMIT ?`;
  const rows = yield* itemTable.select(rest, [tenant, id, edge, limit + 1]);
  return { items: rows.slice(0, limit).map(packedItemOf), hasMore: rows.length > limit };
}

export function* readItem(input: Place & { readonly itemId: string }): Program<PackedItem | null> {
  const row = yield* findItem(input.tenant, input.id, input.itemId);
  return row ? packedItemOf(row) : null;
}

export function* removeItem(
  input: Place & { readonly itemId: string; readonly nowUnixSeconds: number },
): Program<ChangeOutcome> {
  const { tenant, id, itemId } = input;
  const row = yield* conversationTable.findToChange(tenant, id);
  if (!row) return { outcome: "missing", what: "conversation" };
  if (row.busy_response !== null) return { outcome: "busy", responseId: row.busy_response };
  const item = yield* findItem(tenant, id, itemId);
  if (!item) return { outcome: "missing", what: "item" };
  yield* itemTable.deleteIn({ tenant, conversation: id }, "id", [itemId]);
  const changed = {
    ...row,
    version: row.version + 1,
    item_count: row.item_count - 1,
    item_bytes: row.item_bytes - bytesOf(item),
  };
  yield* conversationTable.update(changed);
  yield* remakeHead(changed, input.nowUnixSeconds);
  return { outcome: "done", conversation: conversationOf(changed) };
}

/** Takes items away in favour of others: to be followed by `addItems` with the row returned. */
export function* withoutItems(
  row: ConversationRow,
  itemIds: readonly string[],
): Program<ConversationRow> {
  const { tenant, id } = row;
  const items = yield* itemTable.selectIn({ tenant, conversation: id }, "id", itemIds);
  if (items.length === 0) return row;
  yield* itemTable.deleteIn({ tenant, conversation: id }, "id", itemIds);
  const bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
  const changed = {
    ...row,
    item_count: row.item_count - items.length,
    item_bytes: row.item_bytes - bytes,
  };
  yield* remakeHead(changed, null);
  return changed;
}

export interface AddedItems {
  readonly items: readonly PackedItem[];
  readonly nowUnixSeconds: number;
}

/** Appends items and writes the conversation's row with them and with `changes`. */
export function* addItems(
  row: ConversationRow,
  { items, nowUnixSeconds }: AddedItems,
  changes: Partial<Pick<ConversationRow, "busy_response" | "last_response">>,
): Program<ConversationRow> {
  yield* refuseKnownItems(row.tenant, row.id, items);
  const changed = {
    ...row,
    version: row.version + 1,
    item_count: row.item_count + items.length,
    item_bytes: row.item_bytes + items.reduce((sum, item) => sum + bytesOf(item), 0),
    next_position: row.next_position + items.length,
    ...changes,
  };
  refuseLarge(changed);
  yield* conversationTable.update(changed);
  yield* itemTable.insert(
    items.map((item, index) => ({
      tenant: row.tenant,
      conversation: row.id,
      position: row.next_position + index,
      ...item,
    })),
  );
  yield* growHead(changed, items, nowUnixSeconds);
  return changed;
}

/** @throws LociError `invalid_request` when one of the ids is in the conversation, or twice here */
export function* refuseKnownItems(
  tenant: string,
  conversation: string,
  items: readonly PackedItem[],
): Program<void> {
  const ids = new Set<string>();
  for (const { id } of items) {
    if (ids.has(id)) throw usedTwice("item", id);
    ids.add(id);
  }
  const known = yield* itemTable.selectIn({ tenant, conversation }, "id", [...ids]);
  const first = known[0];
  if (first) throw usedTwice("item", first.id);
}

export function* removeAllItems({ tenant, id }: Place): Program<void> {
  yield* query("DELETE FROM items WHERE tenant = ? AND conversation = ?", [tenant, id]);
}

export function usedTwice(what: string, id: string): LociError {
  return new LociError("invalid_request", `There is a ${what} with the id ${id} already.`);
}

export function refuseLarge(row: ConversationRow): void {
  if (row.item_count <= conversationItemsMax && row.item_bytes <= conversationBytesMax) return;
  throw new LociError("invalid_request", "The conversation has reached its largest size.", {
    remedy: `It holds ${conversationItemsMax} items and ${conversationBytesMax} bytes at most; start a new one.`,
  });
}

function* findItem(tenant: string, conversation: string, id: string): Program<ItemRow | null> {
  const rest = "WHERE tenant = ? AND conversation = ? AND id = ?";
  const rows = yield* itemTable.select(rest, [tenant, conversation, id]);
  return rows[0] ?? null;
}

function packedItemOf({ id, type, content }: ItemRow): PackedItem {
  return { id, type, content };
}

function bytesOf(item: PackedItem): number {
  return Buffer.byteLength(item.content);
}
