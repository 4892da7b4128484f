// Ends a turn that nobody here works on: one of another process, or one of which the store could not
// say whether it was begun.

import { LociError, sleep } from "@loci/core";
import type { JsonObject } from "@loci/store";
import type { ServerContext } from "../server-context.ts";

interface TurnPlace {
  readonly tenant: string;
  readonly id: string;
}

/** Nothing of it is kept but how it ended; whoever works on it will find it ended. */
export async function endTurn(
  context: ServerContext,
  { tenant, id }: TurnPlace,
  status: "cancelled" | "incomplete",
): Promise<void> {
  const incompleteDetails: JsonObject = { reason: "interrupted" };
  await context.requireStore().turns.commit(tenant, {
    id,
    status,
    endedUnixSeconds: context.clock.unixSeconds(),
    outputItems: [],
    usage: null,
    error: null,
    incompleteDetails: status === "incomplete" ? incompleteDetails : null,
    notes: null,
    isHistory: false,
    tokens: null,
    idempotency: null,
  });
}

const attemptsMax = 6;

/**
 * A store that was lost in the midst of `begin` may have begun the turn: its conversation would be
 * busy for as long as this process lives. Tried again for about a minute.
 */
export async function endUncertainTurn(context: ServerContext, place: TurnPlace): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      await endTurn(context, place, "incomplete");
      return;
    } catch (error) {
      if (!isStorageLost(error)) throw error;
    }
    await sleep(context.clock, 1000 * 2 ** attempt);
  }
}

/** Whether a call of the store may have been carried out all the same. */
export function isStorageLost(error: unknown): boolean {
  return error instanceof LociError && error.code === "storage_unavailable";
}
