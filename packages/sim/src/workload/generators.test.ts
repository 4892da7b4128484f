import { Random } from "@loci/core";
import { describe, expect, it } from "vitest";
import { arrivalTimes } from "./arrivals.ts";
import { chatShapes, lengthShapes, plannedWorkload } from "./generators.ts";
import { promptTokens } from "./prompt-tokens.ts";
import type { Workload } from "./sim-request.ts";

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function chats(seed: number): Workload {
  const plan = { kind: "rate", ratePerSecond: 5, variation: 1 } as const;
  return plannedWorkload("chat", chatShapes(50, seed), plan, seed);
}

describe("arrivalTimes", () => {
  it.each([0, 0.5, 1, 3])("has the rate, and gaps that vary by %d", (variation) => {
    const count = 20_000;
    const times = arrivalTimes(new Random(3), { count, ratePerSecond: 50, variation });
    expect(times[0]).toBe(0);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
    expect(mean(gaps)).toBeCloseTo(20, 1);
    const deviation = Math.sqrt(mean(gaps.map((gap) => (gap - 20) ** 2)));
    expect(Math.abs(deviation / 20 - variation)).toBeLessThan(0.05 + 0.05 * variation);
  });
});

describe("the shapes", () => {
  it("of chats have the means that runs over ShareGPT report", () => {
    const shapes = chatShapes(20_000, 1);
    const prompt = mean(shapes.map(({ promptTokens: tokens }) => tokens));
    const answer = mean(shapes.map(({ answerTokens }) => answerTokens));
    expect(Math.abs(prompt - 217)).toBeLessThan(25);
    expect(Math.abs(answer - 200)).toBeLessThan(25);
  });

  it("of recorded lengths come in a random order, each once before any comes again", () => {
    const samples = Array.from({ length: 10 }, (_, index) => ({
      prompt: `${index}`,
      promptTokens: 1 + index,
      answerTokens: new Map([["a", 100 + index]]),
    }));
    const shapes = lengthShapes(samples, { count: 20, seed: 5, model: "a" });
    const prompts = shapes.map(({ userText }) => userText);
    for (const half of [prompts.slice(0, 10), prompts.slice(10)]) {
      expect(new Set(half)).toEqual(new Set(samples.map(({ prompt }) => prompt)));
    }
    expect(prompts.slice(0, 10)).not.toEqual(prompts.slice(10));
    for (const { userText, answerTokens } of shapes) {
      expect(answerTokens).toBe(100 + Number(userText));
    }
  });

  it("make requests that nobody shares, the same for the same seed", () => {
    expect(chats(1)).toEqual(chats(1));
    expect(chats(1)).not.toEqual(chats(2));
    const firsts = chats(1).requests.map(({ prompt }) => promptTokens(prompt, 32_000)[0]);
    expect(new Set(firsts).size).toBeGreaterThan(48);
  });
});
