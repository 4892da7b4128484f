// Writes until there is no room left.

import { assert, LociError, Random } from "@loci/core";

import type { StoredItem } from "../records.ts";
import type { Store } from "../store.ts";
import { messageItem, startSeconds } from "../suite/samples.ts";

const conversationsMax = 10_000;
const wordsPerText = 4_000;

export interface Filled {
  /** Conversations that were acknowledged. */
  readonly ids: readonly string[];
  /** What the first one that was not acknowledged was refused with. */
  readonly refusal: LociError;
}

export async function fillStore(store: Store, tenant: string): Promise<Filled> {
  const ids: string[] = [];
  for (let n = 0; n < conversationsMax; n++) {
    try {
      await addConversation(store, tenant, `c${n}`);
      ids.push(`c${n}`);
    } catch (error) {
      assert(error instanceof LociError, "a full disk is no mistake of ours");
      return { ids, refusal: error };
    }
  }
  throw new Error("the disk never became full");
}

export async function addConversation(store: Store, tenant: string, id: string): Promise<void> {
  const items = [itemOf(id)];
  const created = { id, createdUnixSeconds: startSeconds, metadata: {}, items };
  await store.conversations.create(tenant, created);
}

/** Text that no database can make much shorter. */
export function itemOf(id: string): StoredItem {
  const random = new Random(Number(id.replaceAll(/\D/g, "")));
  const words = Array.from({ length: wordsPerText }, () => random.integer(0, 1e9).toString(36));
  return messageItem(id, words.join(""));
}
