// A conversation that goes on from the midst of another one: a copy of its items up to one of them,
// and the exact tokens of the last turn that lies within, so that its next turn finds what the
// original has in the cache.

import type { Place } from "../packed.ts";
import { parseItems } from "../packed.ts";
import type { Program } from "../program.ts";
import type { Conversation } from "../records.ts";
import { conversationTable, itemTable, responseTable } from "../tables.ts";
import type { ConversationRow, ItemRow } from "../tables.ts";
import { remakeHead } from "./conversation-heads.ts";
import { conversationOf } from "./conversation-record.ts";
import { createConversation, refuseLarge } from "./conversations.ts";

/** Items copied, and turns looked at, in one go. */
const itemBatch = 256;
const turnBatch = 16;

export interface PackedBranch extends Place {
  readonly fromId: string;
  /** The last item that is copied; null: none is. */
  readonly afterItemId: string | null;
  readonly createdUnixSeconds: number;
  /** Null: those of the original. */
  readonly metadata: string | null;
}

/** Null: the original or the item is not there. */
export function* branchConversation(input: PackedBranch): Program<Conversation | null> {
  const { tenant, id, fromId, afterItemId, createdUnixSeconds } = input;
  // Nobody changes its items meanwhile.
  const from = yield* conversationTable.findToChange(tenant, fromId);
  if (!from) return null;
  const end = afterItemId === null ? -1 : yield* positionOf(from, afterItemId);
  if (end === null) return null;
  const metadata = input.metadata ?? from.metadata;
  yield* createConversation({ tenant, id, createdUnixSeconds, metadata, items: [] });
  const copied = yield* copyItems(from, id, end);
  const made = yield* conversationTable.findToChange(tenant, id);
  if (!made) return null;
  const branch: ConversationRow = {
    ...made,
    version: copied.ids.size > 0 ? 1 : 0,
    item_count: copied.ids.size,
    item_bytes: copied.bytes,
    next_position: copied.ids.size,
    last_response: yield* lastTurnWithin(from, copied.ids),
  };
  refuseLarge(branch);
  yield* conversationTable.update(branch);
  yield* remakeHead(branch, null);
  return conversationOf(branch);
}

function* positionOf({ tenant, id }: ConversationRow, itemId: string): Program<number | null> {
  const rest = "WHERE tenant = ? AND conversation = ? AND id = ?";
  const [item] = yield* itemTable.select(rest, [tenant, id, itemId]);
  return item?.position ?? null;
}

function* copyItems(
  { tenant, id }: ConversationRow,
  branchId: string,
  end: number,
): Program<{ readonly ids: ReadonlySet<string>; readonly bytes: number }> {
  const ids = new Set<string>();
  let bytes = 0;
  let position = -1;
  const rest = `WHERE tenant = ? AND conversation = ? AND position > ? AND position <= ?
    ORDER BY position LIMIT ${itemBatch}`;
  for (;;) {
    const items = yield* itemTable.select(rest, [tenant, id, position, end]);
    const last = items.at(-1);
    if (last === undefined) return { ids, bytes };
    const copies = items.map((item, index) => copyOf(item, branchId, ids.size + index));
    yield* itemTable.insert(copies);
    for (const item of items) {
      ids.add(item.id);
      bytes += Buffer.byteLength(item.content);
    }
    position = last.position;
  }
}

function copyOf(item: ItemRow, conversation: string, position: number): ItemRow {
  return { ...item, conversation, position };
}

/** The latest turn of the original all of whose answer was copied; it may belong to another one. */
function* lastTurnWithin(
  { tenant, id, last_response: last }: ConversationRow,
  itemIds: ReadonlySet<string>,
): Program<string | null> {
  if (itemIds.size === 0) return null;
  // A branch that has no turn of its own yet stands on the turn it was branched with.
  const rest = `WHERE tenant = ? AND (conversation = ? OR id = ?) AND is_history = 1
    ORDER BY created DESC, id DESC LIMIT ${turnBatch} OFFSET ?`;
  for (let offset = 0; ; offset += turnBatch) {
    const turns = yield* responseTable.select(rest, [tenant, id, last ?? id, offset]);
    for (const turn of turns) {
      const items = parseItems(turn.output_items);
      if (items.length > 0 && items.every((item) => itemIds.has(item.id))) return turn.id;
    }
    if (turns.length < turnBatch) return null;
  }
}
