import { describe, expect, it } from "vitest";
import { OthersRequests } from "./others-requests.ts";

describe("OthersRequests", () => {
  it("counts what was said until a report tells of it", () => {
    const others = new OthersRequests();
    others.add(100, 10);
    others.add(50, 30);
    expect([others.count, others.pendingTokens]).toEqual([2, 150]);
    others.reported(20);
    expect([others.count, others.pendingTokens]).toEqual([1, 50]);
    others.reported(31);
    expect([others.count, others.pendingTokens]).toEqual([0, 0]);
    others.checkIntegrity();
  });

  it("forgets what no report confirms, and is bounded", () => {
    const others = new OthersRequests();
    for (let said = 0; said < 5000; said++) others.add(1, said / 10);
    expect(others.count).toBe(1024);
    others.checkIntegrity();
    others.expire(2050);
    expect(others.count).toBe(1024 - 500);
    others.expire(3000);
    expect(others.count).toBe(0);
    others.checkIntegrity();
  });
});
