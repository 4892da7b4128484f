import { expect, test } from "vitest";
import { lookDifference } from "./look.ts";

test("looks differ by the cells whose colours do", () => {
  const plain = ["ffffff000000", "808080808080"];
  expect(lookDifference(plain, plain)).toBe(0);
  expect(lookDifference(plain, ["ffffff0a0a0a", "808080808080"])).toBe(0);
  expect(lookDifference(plain, ["ffffffff0000", "808080808080"])).toBe(0.25);
  expect(lookDifference(plain, ["000000ffffff", "ffffff000000"])).toBe(1);
});

test("pictures of another size look different", () => {
  expect(lookDifference(["ffffff"], ["ffffffffffff"])).toBe(1);
  expect(lookDifference(["ffffff"], ["ffffff", "ffffff"])).toBe(1);
});
