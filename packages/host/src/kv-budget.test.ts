import { expect, test } from "vitest";

import { kvBudgetBytes } from "./kv-budget.ts";

test("a share is of what is available, bytes are taken as they are", () => {
  expect(kvBudgetBytes({ unit: "share", share: 0.25 }, 8e9)).toBe(2e9);
  expect(kvBudgetBytes({ unit: "bytes", bytes: 5e6 }, 8e9)).toBe(5e6);
  expect(kvBudgetBytes({ unit: "share", share: 0.25 }, 100)).toBe(1_048_576);
});

test("without a setting the model's own default holds", () => {
  expect(kvBudgetBytes(null, 1e9)).toBeNull();
});

test("more than there is is refused with both figures", () => {
  expect(() => kvBudgetBytes({ unit: "bytes", bytes: 2 ** 33 }, 2 ** 32)).toThrow(
    "--kv-memory asks for 8.00 GiB, but only 4.00 GiB are available.",
  );
});
