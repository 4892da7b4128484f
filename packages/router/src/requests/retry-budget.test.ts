import { expect, test } from "vitest";
import { RetryBudget } from "./retry-budget.ts";

function retries(budget: RetryBudget, count: number, nowMs: number): number {
  let allowed = 0;
  for (let index = 0; index < count; index++) if (budget.tryRetry(nowMs)) allowed++;
  return allowed;
}

test("a tenth of the requests of ten seconds, three in any case", () => {
  const budget = new RetryBudget(0.1, 3);
  expect(retries(budget, 10, 0)).toBe(3);
  for (let index = 0; index < 100; index++) budget.requested(5000);
  expect(retries(budget, 100, 5000)).toBe(7);
  // The first three are forgotten, the requests not yet.
  expect(retries(budget, 100, 10_500)).toBe(3);
  expect(retries(budget, 100, 60_000)).toBe(3);
  budget.checkIntegrity();
});
