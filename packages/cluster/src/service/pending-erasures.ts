// What workers that are away have yet to erase. Bounded: many deletions of one tenant become one of
// all the tenant's, and of workers and tenants beyond the bounds the oldest are given up, which is
// told.

import { assert } from "@loci/core";
import type { DeletedTokens } from "@loci/core";

export interface PendingErasure {
  readonly tenant: string;
  /** Null: all of the tenant's. */
  readonly deleted: DeletedTokens | null;
}

const workersMax = 1024;
const tenantsMax = 4096;
const erasuresOfTenantMax = 64;
/** Tokens kept for one worker. */
const tokensMax = 4 * 1024 * 1024;

interface Waiting {
  readonly byTenant: Map<string, PendingErasure[]>;
  tokens: number;
}

export class PendingErasures {
  readonly #onLost: (error: unknown) => void;
  /** Workers that were here and are not now, or that did not answer. */
  readonly #workers = new Map<string, Waiting>();

  constructor(onLost: (error: unknown) => void) {
    this.#onLost = onLost;
  }

  /** The worker has gone: from now on what is erased waits for it, too. */
  await(workerId: string): void {
    this.#waitingOf(workerId);
  }

  add(workerId: string, tenant: string, deleted: DeletedTokens | null): void {
    const waiting = this.#waitingOf(workerId);
    const known = waiting.byTenant.get(tenant) ?? [];
    const size = deleted?.tokens.length ?? 0;
    const isMuch = known.length >= erasuresOfTenantMax || waiting.tokens + size > tokensMax;
    const all = { tenant, deleted: null };
    const next = deleted === null || isMuch ? [all] : [...known, { tenant, deleted }];
    waiting.byTenant.set(tenant, known.some((one) => one.deleted === null) ? [all] : next);
    if (waiting.byTenant.size > tenantsMax) this.#loseOldest(waiting.byTenant);
    waiting.tokens = tokensIn(waiting);
  }

  addForAwaited(tenant: string, deleted: DeletedTokens | null): void {
    for (const workerId of this.#workers.keys()) this.add(workerId, tenant, deleted);
  }

  /** All that waited for the worker; it is here now. */
  take(workerId: string): readonly PendingErasure[] {
    const waiting = this.#workers.get(workerId);
    this.#workers.delete(workerId);
    return waiting === undefined ? [] : [...waiting.byTenant.values()].flat();
  }

  checkIntegrity(): void {
    assert(this.#workers.size <= workersMax, "workers that are waited for are bounded");
    for (const waiting of this.#workers.values()) {
      assert(waiting.byTenant.size <= tenantsMax, "tenants are bounded");
      assert(waiting.tokens === tokensIn(waiting), "tokens are counted");
      assert(waiting.tokens <= tokensMax, "tokens are bounded");
    }
  }

  #waitingOf(workerId: string): Waiting {
    const known = this.#workers.get(workerId);
    if (known !== undefined) return known;
    if (this.#workers.size >= workersMax) this.#loseOldest(this.#workers);
    const waiting: Waiting = { byTenant: new Map(), tokens: 0 };
    this.#workers.set(workerId, waiting);
    return waiting;
  }

  #loseOldest(entries: Map<string, unknown>): void {
    const [oldest] = entries.keys();
    assert(oldest !== undefined, "there is an oldest one");
    entries.delete(oldest);
    this.#onLost(new Error(`too much waits to be erased: that of '${oldest}' was given up`));
  }
}

function tokensIn({ byTenant }: Waiting): number {
  let tokens = 0;
  for (const erasures of byTenant.values()) {
    for (const { deleted } of erasures) tokens += deleted?.tokens.length ?? 0;
  }
  return tokens;
}
