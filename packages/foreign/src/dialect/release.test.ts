import { expect, test } from "vitest";
import { isAtLeast } from "./release.ts";

test("releases are compared number by number", () => {
  expect(isAtLeast("0.10.2", [0, 11])).toBe(false);
  expect(isAtLeast("0.11.0", [0, 11])).toBe(true);
  expect(isAtLeast("0.26.0+cu129", [0, 11])).toBe(true);
  expect(isAtLeast("1.0", [0, 11])).toBe(true);
  expect(isAtLeast("v0.5.2", [0, 5, 3])).toBe(false);
  expect(isAtLeast("0.5", [0, 5, 3])).toBe(false);
  expect(isAtLeast("dev", [0, 11])).toBe(true);
});
