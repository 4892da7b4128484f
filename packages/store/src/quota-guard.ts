// Bounds on the rows of one tenant without a counter that every transaction would have to change:
// rows are counted when a tenant is first seen, then only what this process adds is, until it is
// time to count again. Several machines may overshoot by what each adds between two counts.

import { LociError } from "@loci/core";

import { conversationsMax, idempotencyKeysMax, responsesMax } from "./limits.ts";
import type { QuotaTable } from "./programs/maintenance.ts";

/** Rows that are added before the next count. */
const recountAfter = 4_096;
/** Tenants remembered; the one not seen for longest is forgotten and counted again later. */
const tenantsMax = 4_096;

const bounds: Readonly<Record<QuotaTable, number>> = {
  conversations: conversationsMax,
  responses: responsesMax,
  idempotency: idempotencyKeysMax,
};

interface Count {
  rows: number;
  added: number;
}

type CountRows = (of: { readonly tenant: string; readonly table: QuotaTable }) => Promise<number>;

export class QuotaGuard {
  readonly #countRows: CountRows;
  readonly #counts = new Map<string, Count>();

  constructor(countRows: CountRows) {
    this.#countRows = countRows;
  }

  /** @throws LociError `storage_quota_exceeded` when the tenant has no row left */
  async admit(tenant: string, table: QuotaTable): Promise<void> {
    const key = `${table} ${tenant}`;
    let count = this.#counts.get(key);
    const bound = bounds[table];
    if (!count || count.added >= recountAfter || count.rows + count.added >= bound) {
      const rows = await this.#countRows({ tenant, table });
      count = { rows, added: 0 };
    }
    this.#remember(key, count);
    if (count.rows >= bound) {
      throw new LociError(
        "storage_quota_exceeded",
        `There are ${bound} ${table === "idempotency" ? "idempotency keys" : table} already.`,
        { remedy: "Delete some, or wait until old ones are purged." },
      );
    }
    count.added += 1;
  }

  #remember(key: string, count: Count): void {
    this.#counts.delete(key);
    this.#counts.set(key, count);
    const oldest = this.#counts.keys().next();
    if (this.#counts.size > tenantsMax && !oldest.done) this.#counts.delete(oldest.value);
  }
}
