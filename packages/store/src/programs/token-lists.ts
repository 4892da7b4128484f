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

export interface ListToRemove {
  readonly id: string;
  /** Returned with the list; a list is no mere beginning of one with another label. */
  readonly label: string | null;
}

export interface RemovedList extends ListToRemove {
  readonly tokens: Int32Array;
  /** So many of the first are known to begin a list that stays, too. */
  readonly sharedTokens: number;
}

export interface RemovedSome {
  readonly lists: readonly RemovedList[];
  readonly isComplete: boolean;
}

/**
 * Takes lists away. Lists that stay and hang on one of them are kept whole
 * from then on. Returns the removed ones that are not the beginning of another removed one.
 */
export function* removeTokens(
  tenant: string,
  lists: readonly ListToRemove[],
): Program<RemovedSome> {
  yield* lock("exclusive", tenant);
  const labels = new Map(lists.map(({ id, label }) => [id, label]));
  const ids = [...labels.keys()];
  const children = yield* tokenListTable.selectIn({ tenant }, "parent", ids);
  const rows = yield* tokenListTable.selectIn({ tenant }, "id", ids);
  const family = new RemovedFamily(rows, children);
  for (const child of children) if (!labels.has(child.id)) yield* makeWhole(child);
  const result = yield* readSome(
    rows.filter((row) => !family.isContinued(row, labels)),
    family,
    labels,
  );
  // Children before parents, which references demand.
  const deepestFirst = rows.toSorted((a, b) => b.depth - a.depth).map((row) => row.id);
  yield* tokenListTable.deleteIn({ tenant }, "id", deepestFirst);
  return result;
}

/** Removed lists, as they hung together with each other and with those that stay. */
class RemovedFamily {
  readonly #rows: ReadonlyMap<string, TokenListRow>;
  readonly #children: ReadonlyMap<string | null, readonly TokenListRow[]>;

  constructor(rows: readonly TokenListRow[], children: readonly TokenListRow[]) {
    this.#rows = new Map(rows.map((row) => [row.id, row]));
    this.#children = Map.groupBy(children, (child) => child.parent);
  }

  /** Whether the list is only the beginning of another removed one with its label. */
  isContinued(row: TokenListRow, labels: ReadonlyMap<string, string | null>): boolean {
    return this.#childrenOf(row).some(
      ({ id, shared }) =>
        this.#rows.has(id) && shared === row.total && labels.get(id) === labels.get(row.id),
    );
  }

  /** Tokens that the list shares with its nearest relatives that stay. */
  sharedTokens(row: TokenListRow): number {
    const staying = this.#childrenOf(row).filter(({ id }) => !this.#rows.has(id));
    const below = Math.max(0, ...staying.map(({ shared }) => shared));
    if (row.parent === null) return below;
    const parent = this.#rows.get(row.parent);
    const above = parent === undefined ? row.shared : this.sharedTokens(parent);
    return Math.max(below, Math.min(row.shared, above));
  }

  #childrenOf(row: TokenListRow): readonly TokenListRow[] {
    return this.#children.get(row.id) ?? [];
  }
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

function* readSome(
  rows: readonly TokenListRow[],
  family: RemovedFamily,
  labels: ReadonlyMap<string, string | null>,
): Program<RemovedSome> {
  const lists: RemovedList[] = [];
  let room = removedTokensMax;
  for (const row of rows) {
    const { tenant, id } = row;
    room -= row.total;
    if (room < 0) return { lists, isComplete: false };
    const tokens = yield* readTokens(tenant, id);
    if (tokens === null) continue;
    const sharedTokens = family.sharedTokens(row);
    lists.push({ id, label: labels.get(id) ?? null, tokens, sharedTokens });
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
