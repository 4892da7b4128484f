import { describe, expect, it } from "vitest";
import { ReliefTarget } from "./relief-target.ts";

describe("ReliefTarget", () => {
  it("is a share of the device while little is taken", () => {
    const target = new ReliefTarget(100, 0.25);
    for (let step = 1; step <= 50; step++) target.observe({ free: 100 - step, dropped: 0 });
    expect(target.blocks).toBe(25);
  });

  it("follows what a step takes, whether it was free or given up, and forgets it slowly", () => {
    const target = new ReliefTarget(100, 0.25);
    target.observe({ free: 80, dropped: 10 });
    expect(target.blocks).toBe(60);
    for (let step = 0; step < 5; step++) target.observe({ free: 80, dropped: 10 });
    expect(target.blocks).toBeGreaterThan(40);
    for (let step = 0; step < 100; step++) target.observe({ free: 80, dropped: 10 });
    expect(target.blocks).toBe(25);
  });

  it("asks for no more than there is, and for nothing when copies ahead are off", () => {
    const [all, none] = [new ReliefTarget(100, 0.25), new ReliefTarget(100, 0)];
    for (const target of [all, none]) target.observe({ free: 0, dropped: 300 });
    expect([all.blocks, none.blocks]).toEqual([100, 0]);
  });
});
