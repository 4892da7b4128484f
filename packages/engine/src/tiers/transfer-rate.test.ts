import { describe, expect, it } from "vitest";
import { Random } from "@loci/core";
import { TransferRate } from "./transfer-rate.ts";

describe("TransferRate", () => {
  it("believes the prior until it has seen moves", () => {
    const rate = new TransferRate(0.001);
    expect(rate.seconds(10)).toBeCloseTo(0.01);
    expect(rate.secondsPerBlock).toBeCloseTo(0.001);
  });

  it("learns the fixed part and the part per block", () => {
    const rate = new TransferRate(0.001);
    const random = new Random(1);
    for (let move = 0; move < 200; move++) {
      const blocks = random.integer(1, 100);
      rate.observe(blocks, 0.02 + 0.0002 * blocks);
    }
    expect(rate.seconds(1)).toBeCloseTo(0.0202, 4);
    expect(rate.secondsPerBlock).toBeCloseTo(0.0002, 6);
  });

  it("forgets a slow disk once it is fast again", () => {
    const rate = new TransferRate(0.001);
    for (let move = 0; move < 20; move++) rate.observe(1 + (move % 30), 1);
    for (let move = 0; move < 80; move++) rate.observe(1 + (move % 30), 0.001 * (1 + (move % 30)));
    expect(rate.seconds(10)).toBeLessThan(0.02);
  });

  it("believes a single stall in part, and a disk that has turned slow within a few moves", () => {
    const rate = new TransferRate(0.001);
    for (let move = 0; move < 30; move++) rate.observe(10, 0.01);
    rate.observe(10, 5);
    expect(rate.seconds(10)).toBeLessThan(0.03);
    for (let move = 0; move < 15; move++) rate.observe(10, 1);
    expect(rate.seconds(10)).toBeGreaterThan(0.5);
  });

  it("is rough until it has seen some moves", () => {
    const rate = new TransferRate(0.001);
    for (let move = 0; move < 7; move++) rate.observe(10, 0.01);
    expect(rate.isSeasoned).toBe(false);
    rate.observe(10, 0.01);
    expect(rate.isSeasoned).toBe(true);
  });

  it("is never negative and never falls in the number of blocks, whatever it sees", () => {
    const random = new Random(2);
    for (let round = 0; round < 200; round++) {
      const rate = new TransferRate(10 ** -random.integer(1, 6));
      for (let move = 0; move < 20; move++) {
        const seconds = random.integer(0, 9) === 0 ? Number.NaN : random.next() * 10 ** -move;
        rate.observe(random.integer(0, 3) === 0 ? 5 : random.integer(0, 4000), seconds);
      }
      let before = 0;
      for (const blocks of [0, 1, 2, 10, 1000]) {
        const seconds = rate.seconds(blocks);
        expect(seconds).toBeGreaterThanOrEqual(before);
        expect(seconds).toBeLessThan(Infinity);
        before = seconds;
      }
    }
  });
});
