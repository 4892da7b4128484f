// What a tenant's cache is safe from. Every tenant that has blocks at rest on the device is
// guaranteed an equal share of it: others take its blocks only beyond that, unless nothing else is
// left for a request that runs. Salted caches of one tenant ("tenant/salt") count as the tenant's.

import { assert } from "@loci/core";

/** With more tenants than this nobody's share is worth guarding. */
const tenantsGuardedMax = 256;

export class TenantShares {
  readonly #deviceBlocks: number;
  /** Tenant → blocks at rest on the device. */
  readonly #resting = new Map<string, number>();

  constructor(deviceBlocks: number) {
    this.#deviceBlocks = deviceBlocks;
  }

  /** A block of the tenant came to rest (`change` = 1) or no longer rests (-1). */
  count(salt: string, change: 1 | -1): void {
    const tenant = tenantOf(salt);
    const blocks = (this.#resting.get(tenant) ?? 0) + change;
    assert(blocks >= 0, "blocks at rest are counted");
    if (blocks === 0) this.#resting.delete(tenant);
    else this.#resting.set(tenant, blocks);
  }

  /** False when no share has to be looked after. */
  get isGuarding(): boolean {
    return this.#resting.size > 1 && this.#resting.size <= tenantsGuardedMax;
  }

  /** Whether who needs memory for `requester` may take a block of `owner`. */
  mayTake(requester: string, owner: string): boolean {
    const tenant = tenantOf(owner);
    if (!this.isGuarding || tenantOf(requester) === tenant) return true;
    return (this.#resting.get(tenant) ?? 0) > this.#share;
  }

  /** Blocks at rest that a request of the tenant may not take. */
  guardedFrom(requester: string): number {
    if (!this.isGuarding) return 0;
    const own = tenantOf(requester);
    const share = this.#share;
    let guarded = 0;
    for (const [tenant, blocks] of this.#resting) {
      if (tenant !== own) guarded += Math.min(blocks, share);
    }
    return guarded;
  }

  /** Blocks at rest of all tenants. */
  get total(): number {
    let total = 0;
    for (const blocks of this.#resting.values()) total += blocks;
    return total;
  }

  get #share(): number {
    return Math.floor(this.#deviceBlocks / this.#resting.size);
  }
}

function tenantOf(salt: string): string {
  const slash = salt.indexOf("/");
  return slash < 0 ? salt : salt.slice(0, slash);
}
