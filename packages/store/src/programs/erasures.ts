// What workers have yet to erase; see ErasureLog in @loci/core. Erasures are numbered by a row that
// whoever changes the log holds until its transaction ends: so they become visible in the order of
// their numbers, and a worker's `done` never passes one that is still to come.

import { assert } from "@loci/core";
import type { AddedErasure, DeletedTokens, ErasingWorker, OwedErasure } from "@loci/core";

import {
  erasingWorkersMax,
  erasingWorkerSecondsMax,
  erasuresMax,
  erasuresOfTenantMax,
  erasureTokensMax,
} from "../limits.ts";
import { query } from "../program.ts";
import type { Program } from "../program.ts";
import { corruptStore } from "../table.ts";
import { erasureTable, erasingWorkerTable, metaTable } from "../tables.ts";
import type { ErasingWorkerRow, ErasureRow } from "../tables.ts";
import { packTokens, tryUnpackTokens } from "../token-packing.ts";

/** Erasures that one call hands out, and tokens in them unless the first has more. */
const owedBatch = 64;
const owedTokensMax = 1024 * 1024;
const counterName = "erasures";

interface Moment {
  readonly nowUnixSeconds: number;
}

export function* meetErasers({
  workers,
  nowUnixSeconds,
}: Moment & { readonly workers: readonly string[] }): Program<readonly string[]> {
  const last = yield* lockLog();
  for (const worker of workers) {
    const known = yield* erasingWorkerTable.find(worker);
    if (known) yield* erasingWorkerTable.update({ ...known, seen: nowUnixSeconds });
    else yield* erasingWorkerTable.insert([{ worker, done: last, seen: nowUnixSeconds }]);
  }
  const excess = yield* erasingWorkerTable.select("ORDER BY seen DESC, worker LIMIT ? OFFSET ?", [
    workers.length,
    erasingWorkersMax,
  ]);
  return yield* forgetErasers(excess);
}

/** Those that were not met for so long that they are taken for gone, with what they have. */
export function* purgeErasers({ nowUnixSeconds }: Moment): Program<readonly string[]> {
  yield* lockLog();
  const before = nowUnixSeconds - erasingWorkerSecondsMax;
  return yield* forgetErasers(yield* erasingWorkerTable.select("WHERE seen < ?", [before]));
}

export function* addErasure({
  tenant,
  deleted,
}: {
  readonly tenant: string;
  readonly deleted: DeletedTokens | null;
}): Program<AddedErasure> {
  const number = (yield* lockLog()) + 1;
  yield* metaTable.update({ name: counterName, value: String(number) });
  const known = yield* query("SELECT 1 AS found FROM erasing_workers LIMIT 1", []);
  if (known.length === 0) return { number, givenUp: 0 };
  yield* joinEarlier(tenant, deleted === null);
  yield* erasureTable.insert([
    {
      number,
      tenant,
      shared: deleted?.sharedTokens ?? 0,
      total: deleted?.tokens.length ?? null,
      tokens: packTokens(deleted?.tokens ?? new Int32Array()),
    },
  ]);
  yield* boundTokens();
  return { number, givenUp: yield* boundErasures() };
}

export function* owedErasures(worker: string): Program<readonly OwedErasure[]> {
  const row = yield* erasingWorkerTable.find(worker);
  if (!row) return [];
  const sizes = yield* query(
    "SELECT number, total FROM erasures WHERE number > ? ORDER BY number LIMIT ?",
    [row.done, owedBatch],
  );
  let through = row.done;
  let tokens = 0;
  for (const { number, total } of sizes) {
    tokens += Number(total);
    if (tokens > owedTokensMax && through > row.done) break;
    through = Number(number);
  }
  const range = [row.done, through];
  const rows = yield* erasureTable.select(
    "WHERE number > ? AND number <= ? ORDER BY number",
    range,
  );
  return rows.map(erasureOf);
}

export function* erasuresDone({
  worker,
  through,
  nowUnixSeconds,
}: Moment & { readonly worker: string; readonly through: number }): Program<void> {
  const last = yield* lockLog();
  assert(through <= last, "what is done was asked for");
  const row = yield* erasingWorkerTable.find(worker);
  if (!row) return;
  const done = Math.max(row.done, through);
  yield* erasingWorkerTable.update({ ...row, done, seen: nowUnixSeconds });
  yield* trim();
}

export function* listErasers(): Program<readonly ErasingWorker[]> {
  const last = yield* lastKept();
  const rows = yield* erasingWorkerTable.select("ORDER BY worker", []);
  return rows.map(({ worker, done }) => ({ id: worker, owesSome: done < last }));
}

/** The number of the last erasure; nobody else changes the log until the transaction ends. */
function* lockLog(): Program<number> {
  yield* metaTable.insertNew({ name: counterName, value: "0" });
  const row = yield* metaTable.findToChange(counterName);
  assert(row !== null, "the counter was just there");
  return Number(row.value);
}

/** Of the erasures that somebody owes; 0: none is owed. */
function* lastKept(): Program<number> {
  const rows = yield* query("SELECT MAX(number) AS last FROM erasures", []);
  return Number(rows[0]?.["last"]);
}

/** Returns those among them that owed something. */
function* forgetErasers(rows: readonly ErasingWorkerRow[]): Program<readonly string[]> {
  if (rows.length === 0) return [];
  const last = yield* lastKept();
  const ids = rows.map(({ worker }) => worker);
  yield* erasingWorkerTable.deleteIn({}, "worker", ids);
  yield* trim();
  return rows.filter(({ done }) => done < last).map(({ worker }) => worker);
}

/** Lets go of what all have done. */
function* trim(): Program<void> {
  yield* query(
    `DELETE FROM erasures
       WHERE number <= COALESCE((SELECT MIN(done) FROM erasing_workers), number)`,
    [],
  );
}

/**
 * Before one more of the tenant's: earlier ones go where the new one says all of it. Too many become
 * one of all the tenant's, in the place of their last: who has done that one has done them all.
 */
function* joinEarlier(tenant: string, isAll: boolean): Program<void> {
  if (isAll) {
    yield* query("DELETE FROM erasures WHERE tenant = ?", [tenant]);
    return;
  }
  const rows = yield* query("SELECT number FROM erasures WHERE tenant = ? ORDER BY number", [
    tenant,
  ]);
  if (rows.length < erasuresOfTenantMax) return;
  const place = Number(rows.at(-1)?.["number"]);
  yield* query("DELETE FROM erasures WHERE tenant = ? AND number < ?", [tenant, place]);
  yield* widen(place);
}

/** The oldest become erasures of all the tenant's until the tokens of the others fit. */
function* boundTokens(): Program<void> {
  const rows = yield* query("SELECT SUM(total) AS tokens FROM erasures", []);
  let excess = Number(rows[0]?.["tokens"]) - erasureTokensMax;
  if (excess <= 0) return;
  const sizes = yield* query(
    "SELECT number, total FROM erasures WHERE total > 0 ORDER BY number",
    [],
  );
  for (const { number, total } of sizes) {
    if (excess <= 0) return;
    excess -= Number(total);
    yield* widen(Number(number));
  }
}

/** From some of its tenant's to all of them. */
function* widen(number: number): Program<void> {
  const row = yield* erasureTable.find(number);
  assert(row !== null, "the erasure was just there");
  yield* erasureTable.update({ ...row, shared: 0, total: null, tokens: new Uint8Array() });
}

/** Returns how many had to go. */
function* boundErasures(): Program<number> {
  const counted = yield* query("SELECT COUNT(*) AS erasures FROM erasures", []);
  const excess = Number(counted[0]?.["erasures"]) - erasuresMax;
  if (excess <= 0) return 0;
  yield* query(
    `DELETE FROM erasures WHERE number IN (
       SELECT number FROM erasures ORDER BY number LIMIT ?)`,
    [excess],
  );
  return excess;
}

function erasureOf({ number, tenant, shared, total, tokens }: ErasureRow): OwedErasure {
  if (total === null) return { number, tenant, deleted: null };
  const unpacked = tryUnpackTokens(tokens, total);
  if (unpacked === null) throw corruptStore("The tokens of an erasure are damaged.");
  return { number, tenant, deleted: { tokens: unpacked, sharedTokens: shared } };
}
