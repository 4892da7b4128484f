// What a tenant's cache is safe from. Every tenant that has blocks at rest on the device is
// guaranteed an equal share of it: others take its blocks only beyond that, unless nothing else is
// left for a request that runs. Who pays for the requests of a salt owns its blocks: a tenant with a
// salt for each request is one tenant.

import { assert } from "@loci/core";

/** With more tenants than this nobody's share is worth guarding. */
const tenantsGuardedMax = 256;
/** Salts whose payer is remembered although none of their blocks rests. */
const payersMax = 4096;

export class TenantShares {
  readonly #deviceBlocks: number;
  /** Who pays for a salt, as its last request said; the salt itself where nobody did. */
  readonly #payers = new Map<string, string>();
  /** Salt → blocks at rest on the device. */
  readonly #salts = new Map<string, number>();
  /** Payer → the same for all its salts. */
  readonly #resting = new Map<string, number>();

  constructor(deviceBlocks: number) {
    this.#deviceBlocks = deviceBlocks;
  }

  /** A request of the salt is paid for by `payer`. */
  paid(salt: string, payer: string): void {
    const before = this.#payerOf(salt);
    if (before === payer) return;
    const blocks = this.#salts.get(salt) ?? 0;
    this.#add(before, -blocks);
    this.#payers.set(salt, payer);
    this.#add(payer, blocks);
    if (this.#payers.size <= this.#salts.size + payersMax) return;
    for (const old of this.#payers.keys()) if (!this.#salts.has(old)) this.#payers.delete(old);
  }

  /** A block of the salt came to rest (`change` = 1) or no longer rests (-1). */
  count(salt: string, change: 1 | -1): void {
    const blocks = (this.#salts.get(salt) ?? 0) + change;
    assert(blocks >= 0, "blocks at rest are counted");
    if (blocks === 0) this.#salts.delete(salt);
    else this.#salts.set(salt, blocks);
    this.#add(this.#payerOf(salt), change);
  }

  /** False when no share has to be looked after. */
  get isGuarding(): boolean {
    return this.#resting.size > 1 && this.#resting.size <= tenantsGuardedMax;
  }

  /** Whether who needs memory for a request of `requester` may take a block of `owner`; both salts. */
  mayTake(requester: string, owner: string): boolean {
    if (!this.isGuarding) return true;
    const payer = this.#payerOf(owner);
    return this.#payerOf(requester) === payer || (this.#resting.get(payer) ?? 0) > this.#share;
  }

  /** Blocks at rest that a request of the salt may not take. */
  guardedFrom(requester: string): number {
    if (!this.isGuarding) return 0;
    const own = this.#payerOf(requester);
    const share = this.#share;
    let guarded = 0;
    for (const [payer, blocks] of this.#resting) {
      if (payer !== own) guarded += Math.min(blocks, share);
    }
    return guarded;
  }

  /** Blocks at rest of all tenants. */
  get total(): number {
    let total = 0;
    for (const blocks of this.#resting.values()) total += blocks;
    return total;
  }

  checkIntegrity(): void {
    const resting = new Map<string, number>();
    for (const [salt, blocks] of this.#salts) {
      const payer = this.#payerOf(salt);
      resting.set(payer, (resting.get(payer) ?? 0) + blocks);
    }
    assert(resting.size === this.#resting.size, "who pays for blocks at rest is known");
    for (const [payer, blocks] of resting) {
      assert(this.#resting.get(payer) === blocks, "blocks at rest are their payers'");
    }
  }

  #payerOf(salt: string): string {
    return this.#payers.get(salt) ?? salt;
  }

  #add(payer: string, blocks: number): void {
    const sum = (this.#resting.get(payer) ?? 0) + blocks;
    if (sum === 0) this.#resting.delete(payer);
    else this.#resting.set(payer, sum);
  }

  get #share(): number {
    return Math.floor(this.#deviceBlocks / this.#resting.size);
  }
}
