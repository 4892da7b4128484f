// Idempotency keys. A claim belongs to the store that executes the request; when that one died
// before it finished, the next caller may take the claim over. A turn that commits finishes its
// key in the same transaction, so a crash cannot come between the two.

import { idempotencySecondsMin } from "../limits.ts";
import { isAlive, query } from "../program.ts";
import type { Program, ProgramContext } from "../program.ts";
import type { IdempotencyClaim, IdempotencyRequest, StoredReply } from "../records.ts";
import { corruptStore } from "../table.ts";
import { idempotencyTable, responseReplyTable } from "../tables.ts";

/** Keys that one purge deletes. */
const purgeBatch = 4_096;

export function* claimKey(
  input: IdempotencyRequest & { readonly tenant: string },
  { owner }: ProgramContext,
): Program<IdempotencyClaim> {
  const fresh = {
    tenant: input.tenant,
    key: input.key,
    digest: input.requestDigest,
    created: input.createdUnixSeconds,
    owner,
    reply_status: null,
    reply_type: null,
    reply_body: null,
  };
  if (yield* idempotencyTable.insertNew(fresh)) return { state: "claimed" };
  const row = yield* idempotencyTable.findToChange(input.tenant, input.key);
  // Released or purged between the two statements: as if it came a moment earlier.
  if (!row) return { state: "running" };
  if (row.digest !== input.requestDigest) return { state: "conflict" };
  if (row.owner === null) return { state: "finished", reply: replyOf(row) };
  if (row.owner === owner || (yield* isAlive(row.owner))) return { state: "running" };
  yield* idempotencyTable.update(fresh);
  return { state: "claimed" };
}

/** A reply to be kept, and the response it tells, if any: it goes with that response. */
export interface KeptReply {
  readonly key: string;
  readonly reply: StoredReply;
  readonly responseId: string | null;
}

/** False: the key is not claimed (any more), or has its reply already. */
export function* finishClaim(
  tenant: string,
  { key, reply, responseId }: KeptReply,
): Program<boolean> {
  const row = yield* idempotencyTable.findToChange(tenant, key);
  if (!row || row.owner === null) return false;
  yield* idempotencyTable.update({
    ...row,
    owner: null,
    reply_status: reply.status,
    reply_type: reply.contentType,
    reply_body: reply.body,
  });
  if (responseId !== null) {
    const place = { tenant, response: responseId, key, claimed: row.created };
    yield* responseReplyTable.insertNew(place);
  }
  return true;
}

export function* finishKey(input: KeptReply & { readonly tenant: string }): Program<boolean> {
  return yield* finishClaim(input.tenant, input);
}

/** Removes the replies that tell these responses. */
export function* removeReplies(tenant: string, responses: readonly string[]): Program<void> {
  const replies = yield* responseReplyTable.selectIn({ tenant }, "response", responses);
  for (const { key, claimed } of replies) {
    yield* query("DELETE FROM idempotency WHERE tenant = ? AND key = ? AND created = ?", [
      tenant,
      key,
      claimed,
    ]);
  }
  yield* responseReplyTable.deleteIn({ tenant }, "response", responses);
}

export function* releaseKey(input: {
  readonly tenant: string;
  readonly key: string;
}): Program<void> {
  yield* query("DELETE FROM idempotency WHERE tenant = ? AND key = ? AND owner IS NOT NULL", [
    input.tenant,
    input.key,
  ]);
}

export function* purgeKeys(input: { readonly nowUnixSeconds: number }): Program<number> {
  const rows = yield* query(
    `DELETE FROM idempotency WHERE (tenant, key) IN (
       SELECT tenant, key FROM idempotency WHERE created < ? ORDER BY created LIMIT ?)
     RETURNING 1 AS deleted`,
    [input.nowUnixSeconds - idempotencySecondsMin, purgeBatch],
  );
  return rows.length;
}

function replyOf(row: {
  readonly reply_status: number | null;
  readonly reply_type: string | null;
  readonly reply_body: string | null;
}): StoredReply {
  if (row.reply_status === null || row.reply_type === null || row.reply_body === null) {
    throw corruptStore("A stored reply is not all there.");
  }
  return { status: row.reply_status, contentType: row.reply_type, body: row.reply_body };
}
