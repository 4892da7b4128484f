import { expect, test } from "vitest";
import { SeenTokens } from "./seen-tokens.ts";
import { chatWorkload, contextTokensNeeded, planWorkload, type WorkloadShape } from "./workload.ts";

const shape: WorkloadShape = { ...chatWorkload, tokenIds: { low: 512, high: 100_000 }, seed: 1 };

test("the chat workload has the lengths, starts and ids it states", () => {
  const plans = planWorkload(shape);
  expect(plans).toHaveLength(24);
  for (const [index, plan] of plans.entries()) {
    expect(plan.startMs).toBe(1000 * index);
    expect(plan.thinkMs).toBe(2000);
    expect(plan.messages.map((message) => message.length)).toEqual([336, 80, 80, 80, 80]);
    const ids = plan.messages.flat();
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(512);
    expect(Math.max(...ids)).toBeLessThanOrEqual(100_000);
  }
  expect(contextTokensNeeded(chatWorkload)).toBe(256 + 5 * 144);
});

test("all share the system prompt and nothing else", () => {
  const seen = new SeenTokens();
  const unseen = planWorkload(shape).map((plan) => seen.observe(plan.messages[0] ?? []));
  expect(unseen[0]).toBe(336);
  expect(unseen.slice(1).every((count) => count === 80)).toBe(true);
});

test("the seed decides every token", () => {
  expect(planWorkload(shape)).toEqual(planWorkload(shape));
  expect(planWorkload({ ...shape, seed: 2 })).not.toEqual(planWorkload(shape));
});
