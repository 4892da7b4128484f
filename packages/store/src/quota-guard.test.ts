import { describe, expect, it } from "vitest";

import { conversationsMax, idempotencyKeysMax } from "./limits.ts";
import { QuotaGuard } from "./quota-guard.ts";

/** Every tenant has `rows` rows. */
function guardOver(rows: () => number): { guard: QuotaGuard; counted: () => number } {
  let counted = 0;
  const guard = new QuotaGuard(async () => {
    counted += 1;
    return await Promise.resolve(rows());
  });
  return { guard, counted: () => counted };
}

describe("the quota", () => {
  it("counts once in a while, not for every row", async () => {
    const { guard, counted } = guardOver(() => 5);
    for (let n = 0; n < 10_000; n++) await guard.admit("a", "conversations");
    expect(counted()).toBe(3);
  });

  it("refuses a tenant at its bound until rows are gone", async () => {
    let rows = conversationsMax - 2;
    const { guard } = guardOver(() => rows);
    await guard.admit("a", "conversations");
    await guard.admit("a", "conversations");
    rows = conversationsMax;
    await expect(guard.admit("a", "conversations")).rejects.toMatchObject({
      code: "storage_quota_exceeded",
      status: 429,
    });
    rows = 7;
    await guard.admit("a", "conversations");
  });

  it("counts each table alone, and remembers a bounded number of tenants", async () => {
    const { guard, counted } = guardOver(() => idempotencyKeysMax);
    await expect(guard.admit("a", "idempotency")).rejects.toThrow(/idempotency keys/);
    await guard.admit("a", "conversations");
    for (let n = 0; n < 5_000; n++) await guard.admit(`tenant ${n}`, "responses");
    await guard.admit("a", "conversations");
    expect(counted()).toBe(5_003);
  });
});
