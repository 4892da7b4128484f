// Erasures that wait for the end of a step: while one is in flight its requests still publish blocks
// of what was deleted.

import type { DeletedTokens } from "@loci/core";
import type { CacheInspector } from "./kv/cache-inspector.ts";

/** Sequences waiting at once; beyond it everything of the tenant is given up instead. */
const waitingMax = 4096;

interface Waiting {
  /** Null: all of the tenant's. */
  lists: DeletedTokens[] | null;
  readonly settle: (() => void)[];
}

export class PendingErasures {
  readonly #tenants = new Map<string, Waiting>();
  #waiting = 0;
  #ended = false;

  /** Resolves once the erasure was applied and `whenGone` of that time has resolved. */
  add(tenant: string, deleted: DeletedTokens | null): Promise<void> {
    if (this.#ended) return Promise.resolve();
    const entry = this.#tenants.get(tenant) ?? { lists: [], settle: [] };
    this.#tenants.set(tenant, entry);
    if (deleted === null || this.#waiting >= waitingMax) {
      this.#waiting -= entry.lists?.length ?? 0;
      entry.lists = null;
    } else if (entry.lists !== null) {
      entry.lists.push(deleted);
      this.#waiting++;
    }
    return new Promise((resolve) => {
      entry.settle.push(resolve);
    });
  }

  /** Applies all that wait; between steps. The result tells the waiting ones that it is done. */
  apply(cache: CacheInspector): (() => void) | null {
    if (this.#tenants.size === 0) return null;
    const entries = [...this.#tenants];
    this.#tenants.clear();
    this.#waiting = 0;
    for (const [tenant, { lists }] of entries) {
      if (lists === null) cache.erase(tenant, null);
      for (const list of lists ?? []) cache.erase(tenant, list);
    }
    return () => {
      for (const [, { settle }] of entries) for (const resolve of settle) resolve();
    };
  }

  /** Nobody waits any more: the cache is gone. */
  end(): void {
    this.#ended = true;
    for (const { settle } of this.#tenants.values()) for (const resolve of settle) resolve();
    this.#tenants.clear();
    this.#waiting = 0;
  }
}
