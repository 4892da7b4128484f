// The list of a tenant's conversations: for each, when it changed last, its title and the beginning
// of its text. The text lies apart, so that a page is a few small rows off an index; a search reads
// these texts alone, and no more of them than its bound.

import type { JsonObject } from "../json.ts";
import { searchedMax } from "../limits.ts";
import { emptyHead, grownHead, isFull } from "../head-text.ts";
import type { HeadText } from "../head-text.ts";
import { parseObject } from "../packed.ts";
import type { PackedItem } from "../packed.ts";
import { query } from "../program.ts";
import type { Program, SqlValue } from "../program.ts";
import type { ListedConversation } from "../records.ts";
import { corruptStore } from "../table.ts";
import { conversationTable, headTable, itemTable, searchTextTable } from "../tables.ts";
import type { ConversationRow, HeadRow, SearchTextRow } from "../tables.ts";
import { conversationOf } from "./conversation-record.ts";

/** Items read at once while a text is put together; conversations filled in at once. */
const batch = 64;

/** A new conversation, still without items. */
export function* openHead(row: ConversationRow): Program<void> {
  const text = emptyHead(parseObject(row.metadata));
  yield* insertHead(row, text, row.created);
}

/** Items were added at its end. */
export function* growHead(
  row: ConversationRow,
  items: readonly PackedItem[],
  nowUnixSeconds: number,
): Program<void> {
  const head = yield* headTable.find(row.tenant, row.id);
  if (!head) throw unlisted();
  const known = yield* searchTextTable.find(row.tenant, row.id);
  if (!known) throw unlisted();
  const { search } = known;
  const text = { title: head.title, search };
  const needsText = head.title === "" || !isFull(search);
  const grown = needsText ? grownHead(text, items.map(contentOf)) : text;
  yield* headTable.update(headRow(row, grown, Math.max(head.updated, nowUnixSeconds)));
  if (grown.search !== search) yield* searchTextTable.update(textRow(row, grown));
}

/** What it says or is called has changed in another way; `nowUnixSeconds` null: that is no news. */
export function* remakeHead(row: ConversationRow, nowUnixSeconds: number | null): Program<void> {
  const head = yield* headTable.find(row.tenant, row.id);
  if (!head) throw unlisted();
  const updated = Math.max(head.updated, nowUnixSeconds ?? 0);
  const text = yield* textOf(row);
  yield* headTable.update(headRow(row, text, updated));
  yield* searchTextTable.update(textRow(row, text));
}

export function* removeHead(tenant: string, id: string): Program<void> {
  yield* headTable.deleteIn({ tenant }, "conversation", [id]);
  yield* searchTextTable.deleteIn({ tenant }, "conversation", [id]);
}

export interface PackedListQuery {
  readonly tenant: string;
  readonly after: string | null;
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** All of them must occur; lower case. */
  readonly words: readonly string[];
}

/** Null: the conversation `after` is not there. */
export function* listConversations(input: PackedListQuery): Program<{
  readonly conversations: readonly ListedConversation[];
  readonly hasMore: boolean;
} | null> {
  const { tenant, after, limit } = input;
  const start = after === null ? null : yield* headTable.find(tenant, after);
  if (after !== null && start === null) return null;
  const { sql, values } = listSql(input, start);
  const heads = headTable.decode(yield* query(sql, values));
  const shown = heads.slice(0, limit);
  const ids = shown.map(({ conversation }) => conversation);
  const rows = yield* conversationTable.selectIn({ tenant }, "id", ids);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const conversations = shown.map((head) => listed(byId.get(head.conversation) ?? null, head));
  return { conversations, hasMore: heads.length > limit };
}

/** One conversation as the list shows it. */
export function* readListed(input: {
  readonly tenant: string;
  readonly id: string;
}): Program<ListedConversation | null> {
  const row = yield* conversationTable.find(input.tenant, input.id);
  return row && listed(row, yield* headTable.find(input.tenant, input.id));
}

function listed(row: ConversationRow | null, head: HeadRow | null): ListedConversation {
  if (row === null || head === null) throw unlisted();
  return { ...conversationOf(row), updatedUnixSeconds: head.updated, title: head.title };
}

/** For stores that were written before there was a list. */
export function* fillHeads(): Program<void> {
  let cursor: readonly SqlValue[] | null = null;
  for (;;) {
    const rows: readonly ConversationRow[] = yield* conversationTable.scan(cursor, batch);
    const last = rows.at(-1);
    if (last === undefined) return;
    for (const row of rows) {
      const updated = yield* lastChange(row);
      yield* insertHead(row, yield* textOf(row), updated);
    }
    cursor = conversationTable.keyOf(last);
  }
}

function listSql(
  { tenant, limit, order, words }: PackedListQuery,
  start: HeadRow | null,
): { readonly sql: string; readonly values: readonly SqlValue[] } {
  const direction = order === "desc" ? "DESC" : "ASC";
  const sorted = `ORDER BY updated ${direction}, conversation ${direction}`;
  const beyond =
    start === null ? "" : `AND (updated, conversation) ${order === "desc" ? "<" : ">"} (?, ?)`;
  const from = start === null ? [] : [start.updated, start.conversation];
  const columns = headTable.columnList();
  const some = `SELECT ${columns} FROM conversation_heads WHERE tenant = ? ${beyond} ${sorted} LIMIT ?`;
  if (words.length === 0) return { sql: some, values: [tenant, ...from, limit + 1] };
  const matches = words.map(() => "t.search LIKE ? ESCAPE '!'").join(" AND ");
  const patterns = words.map((word) => `%${word.replaceAll(/[!%_]/g, "!$&")}%`);
  return {
    sql: `SELECT ${headTable.columnList("looked.")} FROM (${some}) AS looked
      JOIN conversation_texts t
        ON t.tenant = looked.tenant AND t.conversation = looked.conversation
      WHERE ${matches}
      ORDER BY looked.updated ${direction}, looked.conversation ${direction} LIMIT ?`,
    values: [tenant, ...from, searchedMax, ...patterns, limit + 1],
  };
}

/** From its items, as far as it needs them. */
function* textOf(row: ConversationRow): Program<HeadText> {
  let text = emptyHead(parseObject(row.metadata));
  let position = -1;
  const rest = `WHERE tenant = ? AND conversation = ? AND position > ? ORDER BY position LIMIT ${batch}`;
  for (;;) {
    const items = yield* itemTable.select(rest, [row.tenant, row.id, position]);
    text = grownHead(text, items.map(contentOf));
    const last = items.at(-1);
    if (last === undefined || (text.title !== "" && isFull(text.search))) return text;
    position = last.position;
  }
}

function* lastChange({ tenant, id, created }: ConversationRow): Program<number> {
  const rows = yield* query(
    "SELECT max(ended) AS ended FROM responses WHERE tenant = ? AND conversation = ?",
    [tenant, id],
  );
  return Math.max(created, Number(rows[0]?.["ended"] ?? 0));
}

function* insertHead(row: ConversationRow, text: HeadText, updated: number): Program<void> {
  yield* headTable.insert([headRow(row, text, updated)]);
  yield* searchTextTable.insert([textRow(row, text)]);
}

function headRow(row: ConversationRow, { title }: HeadText, updated: number): HeadRow {
  return { tenant: row.tenant, conversation: row.id, updated, title };
}

function textRow({ tenant, id }: ConversationRow, { search }: HeadText): SearchTextRow {
  return { tenant, conversation: id, search };
}

function contentOf({ content }: { readonly content: string }): JsonObject {
  return parseObject(content);
}

function unlisted(): Error {
  return corruptStore("The list of conversations and the conversations disagree.");
}
