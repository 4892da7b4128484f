// Deleting turns is more than deleting rows: keys and values of their tokens lie in the cache, perhaps
// on disk. They are erased before the deletion is acknowledged.

import type { CacheErasure } from "@loci/core";
import type { Removal, RemovedLists } from "@loci/store";
import type { ServerContext } from "../server-context.ts";
import type { TurnTrace } from "./live-turns.ts";
import { cacheOwnerOf } from "./response-object.ts";

/** Erases what deleted turns left, also of those under way, which are ended. */
export async function eraseTurns(
  context: ServerContext,
  tenant: string,
  removal: Removal,
): Promise<void> {
  const traces = removal.responseIds.map((id) => context.turns.forget(id));
  const { erasure } = context;
  if (erasure === null) return;
  const live = traces.filter((trace): trace is TurnTrace => trace !== null);
  await Promise.all([
    ...live.map((trace) => erasure.eraseCached(trace.owner, trace)),
    eraseRemoved(erasure, tenant, removal),
  ]);
}

/** Erases the cached blocks of a tenant's removed turns. Resolves when that is done. */
export async function eraseRemoved(
  erasure: CacheErasure,
  tenant: string,
  { tokenLists, isTokenListsComplete }: RemovedLists,
): Promise<void> {
  const owned = tokenLists.map((list) => ({ owner: cacheOwnerOf(list.notes, tenant), list }));
  if (isTokenListsComplete) {
    await Promise.all(owned.map(({ owner, list }) => erasure.eraseCached(owner, list)));
    return;
  }
  // What cannot be named is among all that the same owners have.
  const owners = new Set([tenant, ...owned.map(({ owner }) => owner)]);
  await Promise.all([...owners].map((owner) => erasure.eraseCached(owner, null)));
}
