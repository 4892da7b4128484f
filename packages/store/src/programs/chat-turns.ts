// Turns of chat completions, found by a hash over their messages. A hint that saves work, so the
// oldest make room for new ones.

import { chatTurnsMax } from "../limits.ts";
import type { Program } from "../program.ts";
import { query } from "../program.ts";
import type { ChatTurn } from "../records.ts";
import { corruptStore } from "../table.ts";
import { chatTurnTable } from "../tables.ts";
import { splitTokens } from "./responses.ts";
import { joinTokens, putTokens, readTokens, removeTokens } from "./token-lists.ts";

/** Turns that one eviction takes away. */
const evictBatch = 256;

export function* rememberChatTurn(input: {
  readonly tenant: string;
  readonly turn: ChatTurn;
}): Program<void> {
  const { tenant, turn } = input;
  const isNew = yield* chatTurnTable.insertNew({
    tenant,
    key: turn.key,
    parent_key: turn.parentKey,
    created: turn.createdUnixSeconds,
    prompt_tokens: turn.tokens.promptTokens.length,
  });
  // The same messages and the same answer: what is known serves as well, and others may hang on it.
  if (!isNew) return;
  yield* putTokens(tenant, {
    id: chatTokensId(turn.key),
    parentId: turn.parentKey === null ? null : chatTokensId(turn.parentKey),
    tokens: joinTokens(turn.tokens),
  });
}

export function* findChatTurn(input: {
  readonly tenant: string;
  readonly keys: readonly string[];
}): Program<ChatTurn | null> {
  const { tenant, keys } = input;
  const rows = yield* chatTurnTable.selectIn({ tenant }, "key", keys);
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const row = keys.map((key) => byKey.get(key)).find((each) => each !== undefined);
  if (!row) return null;
  const tokens = yield* readTokens(tenant, chatTokensId(row.key));
  if (tokens === null || tokens.length < row.prompt_tokens) {
    throw corruptStore("The tokens of a chat turn are not all there.");
  }
  return {
    key: row.key,
    parentKey: row.parent_key,
    createdUnixSeconds: row.created,
    tokens: splitTokens(tokens, row.prompt_tokens),
  };
}

export function* forgetChatTurns(input: {
  readonly tenant: string;
  readonly keys: readonly string[];
}): Program<number> {
  const { tenant, keys } = input;
  yield* removeTokens(
    tenant,
    keys.map((key) => ({ id: chatTokensId(key), label: null })),
  );
  return yield* chatTurnTable.deleteIn({ tenant }, "key", keys);
}

/** Brings a tenant back under its bound, at most a batch; returns how many had to go. */
export function* evictChatTurns(input: { readonly tenant: string }): Program<number> {
  const { tenant } = input;
  const counted = yield* query("SELECT count(*) AS turns FROM chat_turns WHERE tenant = ?", [
    tenant,
  ]);
  const excess = Math.min(Number(counted[0]?.["turns"]) - chatTurnsMax, evictBatch);
  if (excess <= 0) return 0;
  const rows = yield* query(
    "SELECT key FROM chat_turns WHERE tenant = ? ORDER BY created, key LIMIT ?",
    [tenant, excess],
  );
  return yield* forgetChatTurns({ tenant, keys: rows.map((row) => String(row["key"])) });
}

function chatTokensId(key: string): string {
  return `c:${key}`;
}
