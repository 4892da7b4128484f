// Exact token ids, each list as what it adds to its parent's: `shared` tokens of the parent's whole
// list, then own ones. A long conversation therefore costs its length once, not once per turn.
//
//   parent   |==============================|
//   list     |== shared ==|------ rest -----|
//
// Every `depthMax` generations a list is kept whole, so that reading never follows more links than that.

import { assert } from "@loci/core";

import { lock, query } from "../program.ts";
import type { Program } from "../program.ts";
import type { TurnTokens } from "../records.ts";
import { corruptStore } from "../table.ts";
import { tokenListTable } from "../tables.ts";
import type { TokenListRow } from "../tables.ts";
import { packTokens, sharedLength, tryUnpackTokens } from "../token-packing.ts";

/** Links followed at most to put a list together. */
const depthMax = 64;
/** Lists that may hang on one parent; further ones are kept whole. */
const childrenMax = 256;
/** Tokens handed back by one removal; beyond it the caller is told that some are left out. */
const removedTokensMax = 16 * 2 ** 20;

const chainSql = `WITH RECURSIVE chain AS (
    SELECT ${tokenListTable.columnList()}, 0 AS level FROM token_lists WHERE tenant = ? AND id = ?
    UNION ALL
    SELECT ${tokenListTable.columnList("t.")}, c.level + 1 FROM chain c
      JOIN token_lists t ON t.tenant = c.tenant AND t.id = c.parent WHERE c.level < ${depthMax}
  ) SELECT * FROM chain ORDER BY level`;

/** Keeps `tokens` under `id`; `parentId` only saves room and may name nothing. */
export function* putTokens(
  tenant: string,
  list: { readonly id: string; readonly parentId: string | null; readonly tokens: Int32Array },
): Program<void> {
  yield* lock("shared", tenant);
  const { id, tokens } = list;
  const parent = list.parentId === null ? null : yield* tryParent(tenant, list.parentId);
  const shared = parent ? sharedLength(parent.tokens, tokens) : 0;
  const isLinked = parent !== null && shared > 0;
  yield* tokenListTable.insert([
    {
      tenant,
      id,
      parent: isLinked ? parent.id : null,
      shared,
      total: tokens.length,
      depth: isLinked ? parent.depth + 1 : 0,
      rest: packTokens(tokens.subarray(shared)),
    },
  ]);
}

/** Null when there is no such list. */
export function* readTokens(tenant: string, id: string): Program<Int32Array | null> {
  const chain = tokenListTable.decode(yield* query(chainSql, [tenant, id]));
  return chain.length === 0 ? null : assemble(chain);
}

/** Prompt and answer as the one list that is kept. */
export function joinTokens({ promptTokens, answerTokens }: TurnTokens): Int32Array {
  const tokens = new Int32Array(promptTokens.length + answerTokens.length);
  tokens.set(promptTokens);
  tokens.set(answerTokens, promptTokens.length);
  return tokens;
}

export interface RemovedTokens {
  readonly lists: readonly Int32Array[];
  readonly isComplete: boolean;
}

/**
 * Takes lists away. Lists that stay and hang on one of them are kept whole
 * from then on. Returns the removed ones that are not the beginning of another removed one.
 */
export function* removeTokens(tenant: string, ids: readonly string[]): Program<RemovedTokens> {
  yield* lock("exclusive", tenant);
  const removed = new Set(ids);
  const children = yield* tokenListTable.selectIn({ tenant }, "parent", ids);
  const rows = yield* tokenListTable.selectIn({ tenant }, "id", ids);
  const totals = new Map(rows.map((row) => [row.id, row.total]));
  for (const child of children) if (!removed.has(child.id)) yield* makeWhole(child);
  const continued = new Set(
    children
      .filter((child) => removed.has(child.id) && child.shared === totals.get(child.parent ?? ""))
      .map((child) => child.parent),
  );
  const result = yield* readSome(
    tenant,
    rows.filter((row) => !continued.has(row.id)),
  );
  // Children before parents, which references demand.
  const deepestFirst = rows.toSorted((a, b) => b.depth - a.depth).map((row) => row.id);
  yield* tokenListTable.deleteIn({ tenant }, "id", deepestFirst);
  return result;
}

function* tryParent(
  tenant: string,
  id: string,
): Program<{ readonly id: string; readonly depth: number; readonly tokens: Int32Array } | null> {
  const row = yield* tokenListTable.find(tenant, id);
  if (row === null || row.depth + 1 >= depthMax) return null;
  const siblings = yield* query(
    `SELECT id FROM token_lists WHERE tenant = ? AND parent = ? LIMIT ${childrenMax}`,
    [tenant, id],
  );
  if (siblings.length >= childrenMax) return null;
  const tokens = yield* readTokens(tenant, id);
  return tokens === null ? null : { id, depth: row.depth, tokens };
}

function* makeWhole(child: TokenListRow): Program<void> {
  const tokens = yield* readTokens(child.tenant, child.id);
  assert(tokens !== null, "the list was just there");
  const whole = { parent: null, shared: 0, depth: 0, rest: packTokens(tokens) };
  yield* tokenListTable.update({ ...child, ...whole });
}

function* readSome(tenant: string, rows: readonly TokenListRow[]): Program<RemovedTokens> {
  const lists: Int32Array[] = [];
  let room = removedTokensMax;
  for (const row of rows) {
    room -= row.total;
    if (room < 0) return { lists, isComplete: false };
    const tokens = yield* readTokens(tenant, row.id);
    if (tokens !== null) lists.push(tokens);
  }
  return { lists, isComplete: true };
}

/** Fills the whole list from its end: each row gives what lies before the part already filled. */
function assemble(chain: readonly TokenListRow[]): Int32Array {
  const tokens = new Int32Array(chain[0]?.total ?? 0);
  let missing = tokens.length;
  for (const row of chain) {
    const rest = tryUnpackTokens(row.rest, row.total - row.shared);
    if (rest === null || missing > row.total) throw corruptStore("A token list is damaged.");
    if (missing > row.shared) {
      tokens.set(rest.subarray(0, missing - row.shared), row.shared);
      missing = row.shared;
    }
  }
  if (missing > 0) throw corruptStore("The beginning of a token list is missing.");
  return tokens;
}
