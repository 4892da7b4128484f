// What each tenant is owed, in seconds of the device (deficit round robin over tenants, in its fluid
// form): work that is served is credited to all who want some, in equal parts, and charged to whom it
// was served. Who is owed most comes next. A request is charged with its expected work when it starts
// and with the rest when it ends: to claim a short answer gains nothing.

import { assert } from "@loci/core";

/** No tenant saves up, or owes, more than so many seconds. */
const deficitSecondsMax = 600;
/** Debts that are remembered at most; the oldest is forgiven. */
const tenantsMax = 4096;

export class TenantDeficits {
  readonly #deficits = new Map<string, number>();
  /** Live requests of each tenant. */
  readonly #live = new Map<string, number>();

  enter(tenant: string): void {
    this.#live.set(tenant, (this.#live.get(tenant) ?? 0) + 1);
    if (!this.#deficits.has(tenant)) this.#deficits.set(tenant, 0);
  }

  /** Who has nothing more to ask for neither keeps a credit nor is forgiven a debt of this busy time. */
  leave(tenant: string): void {
    const live = (this.#live.get(tenant) ?? 0) - 1;
    assert(live >= 0, "a tenant leaves as often as it enters");
    if (live > 0) {
      this.#live.set(tenant, live);
      return;
    }
    this.#live.delete(tenant);
    const deficit = this.#deficits.get(tenant) ?? 0;
    if (deficit >= 0) this.#deficits.delete(tenant);
    if (this.#live.size === 0) this.#deficits.clear();
    if (this.#deficits.size <= tenantsMax) return;
    for (const other of this.#deficits.keys()) {
      if (this.#live.has(other)) continue;
      this.#deficits.delete(other);
      return;
    }
  }

  /** The tenant was served `seconds` of work (negative: it had been charged too much). */
  charge(tenant: string, seconds: number): void {
    const share = seconds / Math.max(1, this.#live.size);
    for (const other of this.#live.keys()) this.#add(other, share);
    this.#add(tenant, -seconds);
  }

  /** Seconds that the tenant is owed. */
  deficit(tenant: string): number {
    return this.#deficits.get(tenant) ?? 0;
  }

  /** `expected`: live requests of each tenant. */
  checkIntegrity(expected: ReadonlyMap<string, number>): void {
    assert(expected.size === this.#live.size, "who is live is known");
    for (const [tenant, live] of expected) {
      assert(this.#live.get(tenant) === live, "live requests are counted");
    }
    for (const [tenant, live] of this.#live) {
      assert(live > 0 && this.#deficits.has(tenant), "a live tenant has a deficit");
    }
    for (const deficit of this.#deficits.values()) {
      assert(Math.abs(deficit) <= deficitSecondsMax, "deficits are bounded");
    }
  }

  #add(tenant: string, seconds: number): void {
    const sum = (this.#deficits.get(tenant) ?? 0) + seconds;
    this.#deficits.set(tenant, Math.min(deficitSecondsMax, Math.max(-deficitSecondsMax, sum)));
  }
}
