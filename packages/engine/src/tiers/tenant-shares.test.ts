import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { TenantShares } from "./tenant-shares.ts";

function rest(shares: TenantShares, salt: string, blocks: number): void {
  for (let block = 0; block < blocks; block++) shares.count(salt, 1);
}

describe("TenantShares", () => {
  it("guards each tenant's equal share from the others, and nothing beyond it", () => {
    const shares = new TenantShares(100);
    rest(shares, "a", 30);
    rest(shares, "b", 60);
    expect(shares.mayTake("b", "a")).toBe(false);
    expect(shares.mayTake("a", "b")).toBe(true);
    expect(shares.mayTake("a", "a")).toBe(true);
    expect(shares.guardedFrom("b")).toBe(30);
    expect(shares.guardedFrom("a")).toBe(50);
    expect(shares.guardedFrom("c")).toBe(80);
  });

  it("counts a tenant's salted caches as the tenant's", () => {
    const shares = new TenantShares(90);
    rest(shares, "a1", 30);
    shares.paid("a1", "a");
    shares.paid("a2", "a");
    rest(shares, "a2", 30);
    rest(shares, "b", 10);
    expect(shares.mayTake("a", "a1")).toBe(true);
    expect(shares.mayTake("b", "a1")).toBe(true);
    // Whose request it is was not said.
    expect(shares.guardedFrom("a3")).toBe(45 + 10);
    shares.paid("a3", "a");
    expect(shares.guardedFrom("a3")).toBe(10);
    expect(shares.mayTake("a3", "b")).toBe(false);
  });

  it("forgets who paid for salts that are gone", () => {
    const shares = new TenantShares(10);
    rest(shares, "kept", 1);
    shares.paid("kept", "a");
    for (let salt = 0; salt < 10_000; salt++) shares.paid(`salt ${salt}`, "a");
    rest(shares, "b", 1);
    expect(shares.guardedFrom("a")).toBe(1);
    shares.checkIntegrity();
  });

  it("guards nothing where there is one tenant, or too many", () => {
    const shares = new TenantShares(100);
    rest(shares, "a", 10);
    expect([shares.isGuarding, shares.mayTake("b", "a")]).toEqual([false, true]);
    for (let tenant = 0; tenant < 300; tenant++) rest(shares, `t${tenant}`, 1);
    expect([shares.isGuarding, shares.mayTake("b", "a")]).toEqual([false, true]);
  });

  it("counts like a list does", () => {
    const random = new Random(3);
    const shares = new TenantShares(50);
    const resting: string[] = [];
    for (let step = 0; step < 2000; step++) {
      const leaves = random.integer(0, 1) === 0 && resting.length > 0;
      if (leaves) {
        const [salt] = resting.splice(random.integer(0, resting.length - 1), 1);
        shares.count(salt ?? "", -1);
      } else {
        const salt = `t${random.integer(0, 4)}`;
        if (random.integer(0, 3) === 0) shares.paid(salt, `p${random.integer(0, 2)}`);
        resting.push(salt);
        shares.count(salt, 1);
      }
      expect(shares.total).toBe(resting.length);
      shares.checkIntegrity();
    }
  });
});
