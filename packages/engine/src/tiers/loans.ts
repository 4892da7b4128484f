// Blocks in the hands of whoever carries contents between workers: blocks lent out to be read, and
// device blocks set apart to be written. Like moves between memories they keep blocks from being given
// up; unlike them nobody here gave the order.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";

export interface Loan {
  /** Blocks that are read. */
  readonly copies: readonly CachedBlock[];
  /** A block that is written, and that nobody else knows; null: none is. */
  readonly block: number | null;
}

export class Loans {
  readonly #loans = new Map<number, Loan>();
  #lastId = 0;

  get count(): number {
    return this.#loans.size;
  }

  /** Blocks set apart. */
  get reservedCount(): number {
    return [...this.heldBlocks()].length;
  }

  start(loan: Loan): number {
    this.#lastId++;
    this.#loans.set(this.#lastId, loan);
    for (const copy of loan.copies) copy.moves++;
    return this.#lastId;
  }

  end(id: number): Loan {
    const loan = defined(this.#loans.get(id), "a loan ends once");
    this.#loans.delete(id);
    for (const copy of loan.copies) copy.moves--;
    return loan;
  }

  *copies(): Generator<CachedBlock> {
    for (const { copies } of this.#loans.values()) yield* copies;
  }

  *heldBlocks(): Generator<number> {
    for (const { block } of this.#loans.values()) if (block !== null) yield block;
  }

  checkIntegrity(): void {
    for (const [id, { copies, block }] of this.#loans) {
      assert(id <= this.#lastId, "loans are numbered");
      assert(copies.length === 0 || block === null, "a loan is read or written");
      const isHeld = copies.every(({ device, slots }) => device !== null || slots.host !== null);
      assert(isHeld, "what is lent lies in memory");
    }
  }
}
