// Responses read and removed. A removal takes the tokens with it and says which they were, so that
// whoever keeps keys and values of them can erase those too.

import type { JsonObject } from "../json.ts";
import { responseChainMax } from "../limits.ts";
import { parseObject } from "../packed.ts";
import type { Place } from "../packed.ts";
import { query } from "../program.ts";
import type { Program, SqlRow } from "../program.ts";
import type { Removal, RemovedLists, TenantRemoval, TurnTokens } from "../records.ts";
import { corruptStore } from "../table.ts";
import { conversationTable, responseTable } from "../tables.ts";
import type { ResponseRow } from "../tables.ts";
import { removeHead } from "./conversation-heads.ts";
import { removeAllItems } from "./conversations.ts";
import { removeReplies } from "./idempotency.ts";
import { readTokens, removeTokens } from "./token-lists.ts";
import { responseTokensId } from "./turns.ts";

/** Responses that one purge removes. */
const purgeBatch = 256;

const chainSql = `WITH RECURSIVE chain AS (
    SELECT ${responseTable.columnList()}, 0 AS level FROM responses WHERE tenant = ? AND id = ?
    UNION ALL
    SELECT ${responseTable.columnList("r.")}, c.level + 1 FROM chain c
      JOIN responses r ON r.tenant = c.tenant AND r.id = c.previous
      WHERE c.level < ${responseChainMax - 1}
  ) SELECT * FROM chain ORDER BY level DESC`;

export function* readResponse({ tenant, id }: Place): Program<ResponseRow | null> {
  return yield* responseTable.find(tenant, id);
}

export interface PackedChain {
  readonly responses: readonly ResponseRow[];
  readonly missingId: string | null;
}

export function* readChain({ tenant, id }: Place): Program<PackedChain | null> {
  const responses = responseTable.decode(yield* query(chainSql, [tenant, id]));
  const first = responses[0];
  return first ? { responses, missingId: first.previous } : null;
}

export function* readResponseTokens({ tenant, id }: Place): Program<TurnTokens | null> {
  const row = yield* responseTable.find(tenant, id);
  if (!row || row.prompt_tokens === null || row.answer_tokens === null) return null;
  const tokens = yield* readTokens(tenant, responseTokensId(id));
  if (tokens?.length !== row.prompt_tokens + row.answer_tokens) {
    throw corruptStore("The tokens of a response are not all there.");
  }
  return splitTokens(tokens, row.prompt_tokens);
}

export function* removeResponse({ tenant, id }: Place): Program<Removal | null> {
  const found = yield* responseTable.find(tenant, id);
  if (!found) return null;
  if (found.conversation !== null) {
    const row = yield* conversationTable.findToChange(tenant, found.conversation);
    const isBusy = row?.busy_response === id;
    const isLast = row?.last_response === id;
    if (row && (isBusy || isLast)) {
      yield* conversationTable.update({
        ...row,
        busy_response: isBusy ? null : row.busy_response,
        last_response: isLast ? null : row.last_response,
      });
    }
  }
  // Before the tokens are locked, in the order of a commit.
  yield* responseTable.findToChange(tenant, id);
  const removed = yield* removeRows(tenant, [{ id, notes: found.notes }]);
  return { conversationId: null, itemCount: 0, responseIds: [id], ...removed };
}

/** The conversation with all that hangs on it. */
export function* removeConversation({ tenant, id }: Place): Program<Removal | null> {
  const row = yield* conversationTable.findToChange(tenant, id);
  if (!row) return null;
  // Not whole rows: a damaged one can be removed, too.
  const rows = yield* query(
    "SELECT id, notes FROM responses WHERE tenant = ? AND conversation = ? ORDER BY created, id",
    [tenant, id],
  );
  const responses = rows.map(removedResponse);
  const removed = yield* removeRows(tenant, responses);
  yield* removeAllItems({ tenant, id });
  yield* removeHead(tenant, id);
  yield* conversationTable.deleteIn({ tenant }, "id", [id]);
  const responseIds = responses.map((response) => response.id);
  return { conversationId: id, itemCount: row.item_count, responseIds, ...removed };
}

/** Ended responses outside of conversations, a batch of the oldest. */
export function* purgeResponses(input: {
  readonly beforeUnixSeconds: number;
}): Program<PurgedResponses> {
  const rows = yield* query(
    `SELECT tenant, id, notes FROM responses WHERE conversation IS NULL AND created < ?
       AND owner IS NULL ORDER BY created LIMIT ?`,
    [input.beforeUnixSeconds, purgeBatch],
  );
  const byTenant = Map.groupBy(rows, (row) => String(row["tenant"]));
  const removals: TenantRemoval[] = [];
  for (const [tenant, each] of byTenant) {
    removals.push({ tenant, ...(yield* removeRows(tenant, each.map(removedResponse))) });
  }
  return { count: rows.length, removals };
}

export interface PurgedResponses {
  readonly count: number;
  readonly removals: readonly TenantRemoval[];
}

interface RemovedResponse {
  readonly id: string;
  readonly notes: string | null;
}

function removedResponse(row: SqlRow): RemovedResponse {
  const { id, notes } = row;
  return { id: String(id), notes: typeof notes === "string" ? notes : null };
}

function* removeRows(tenant: string, responses: readonly RemovedResponse[]): Program<RemovedLists> {
  const { lists, isComplete } = yield* removeTokens(
    tenant,
    responses.map(({ id, notes }) => ({ id: responseTokensId(id), label: notes })),
  );
  const ids = responses.map(({ id }) => id);
  yield* removeReplies(tenant, ids);
  yield* responseTable.deleteIn({ tenant }, "id", ids);
  const tokenLists = lists.map(({ tokens, sharedTokens, label }) => {
    return { tokens, sharedTokens, notes: notesOf(label) };
  });
  return { tokenLists, isTokenListsComplete: isComplete };
}

/** Null also for damaged ones: they must not keep a response from being removed. */
function notesOf(text: string | null): JsonObject | null {
  try {
    return text === null ? null : parseObject(text);
  } catch {
    return null;
  }
}

export function splitTokens(tokens: Int32Array, promptCount: number): TurnTokens {
  return { promptTokens: tokens.slice(0, promptCount), answerTokens: tokens.slice(promptCount) };
}
