// What an opened store does for itself: takes its number, counts rows for the quotas, and reads
// everything when asked whether the data is whole.

import type { Program, SqlValue } from "../program.ts";
import { query } from "../program.ts";
import { corruptStore } from "../table.ts";
import type { Columns, Table } from "../table.ts";
import { metaTable, ofEachTable } from "../tables.ts";

/** Rows checked in one transaction. */
const scanBatch = 256;

export type QuotaTable = "conversations" | "responses" | "idempotency";

/** A number for this opened store that no other has had or will have. */
export function* takeOwner(): Program<number> {
  yield* metaTable.insertNew({ name: "owners", value: "0" });
  const row = yield* metaTable.findToChange("owners");
  const owner = Number(row?.value) + 1;
  yield* metaTable.update({ name: "owners", value: String(owner) });
  return owner;
}

export function* countRows(input: {
  readonly tenant: string;
  readonly table: QuotaTable;
}): Program<number> {
  const sql = `SELECT count(*) AS count FROM ${input.table} WHERE tenant = ?`;
  const rows = yield* query(sql, [input.tenant]);
  return Number(rows[0]?.["count"]);
}

/** Where a scan has come to: the table's place in the list, and the key of the last row read. */
export interface ScanCursor {
  readonly table: number;
  readonly after: readonly SqlValue[] | null;
}

/** Reads and checks some rows; null when all tables were read. */
export function* scanRows(cursor: ScanCursor): Program<ScanCursor | null> {
  const scan = scans[cursor.table];
  if (!scan) return null;
  const after = yield* scan(cursor.after);
  return after === null ? { table: cursor.table + 1, after } : { table: cursor.table, after };
}

/** Rows that contradict each other, which no checksum of a single row tells. */
export function* checkReferences(): Program<void> {
  for (const [message, sql] of contradictions) {
    const rows = yield* query(`${sql} LIMIT 1`, []);
    if (rows.length > 0) throw corruptStore(message);
  }
}

const contradictions: readonly (readonly [string, string])[] = [
  [
    "A conversation has lost or gained items.",
    `SELECT 1 AS found FROM conversations c WHERE item_count <> (SELECT count(*) FROM items i
       WHERE i.tenant = c.tenant AND i.conversation = c.id)`,
  ],
  [
    "A conversation is missing in the list of conversations.",
    `SELECT 1 AS found FROM conversations c WHERE NOT EXISTS (SELECT 1 FROM conversation_heads h
       WHERE h.tenant = c.tenant AND h.conversation = c.id)
         OR NOT EXISTS (SELECT 1 FROM conversation_texts t
       WHERE t.tenant = c.tenant AND t.conversation = c.id)`,
  ],
  [
    "A conversation is busy with a response that is not there.",
    `SELECT 1 AS found FROM conversations c WHERE busy_response IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM responses r WHERE r.tenant = c.tenant AND r.id = c.busy_response
         AND r.owner IS NOT NULL)`,
  ],
  [
    "The tokens of a response are not all there.",
    `SELECT 1 AS found FROM responses r WHERE prompt_tokens IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM token_lists t WHERE t.tenant = r.tenant AND t.id = 'r:' || r.id
         AND t.total = r.prompt_tokens + r.answer_tokens)`,
  ],
  [
    "The tokens of a chat turn are not all there.",
    `SELECT 1 AS found FROM chat_turns c WHERE NOT EXISTS (
       SELECT 1 FROM token_lists t WHERE t.tenant = c.tenant AND t.id = 'c:' || c.key
         AND t.total >= c.prompt_tokens)`,
  ],
  [
    "A token list has lost its parent.",
    `SELECT 1 AS found FROM token_lists t WHERE parent IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM token_lists p WHERE p.tenant = t.tenant AND p.id = t.parent
         AND p.total >= t.shared AND p.depth < t.depth)`,
  ],
  [
    "An erasure is kept that no worker owes.",
    `SELECT 1 AS found FROM erasures e WHERE NOT EXISTS (
       SELECT 1 FROM erasing_workers w WHERE w.done < e.number)`,
  ],
];

type Scan = (after: readonly SqlValue[] | null) => Program<readonly SqlValue[] | null>;

const scans: readonly Scan[] = ofEachTable(scanOf);

function scanOf<C extends Columns>(table: Table<C>): Scan {
  return function* scan(after) {
    const rows = yield* table.scan(after, scanBatch);
    const last = rows.at(-1);
    return last && rows.length === scanBatch ? table.keyOf(last) : null;
  };
}
