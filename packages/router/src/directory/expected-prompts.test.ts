import { expect, test } from "vitest";
import { ExpectedPrompts } from "./expected-prompts.ts";

const of = (...names: number[]): Float64Array => Float64Array.from(names);

test("blocks that begin a later prompt are still expected", () => {
  const prompts = new ExpectedPrompts(100);
  expect(prompts.tryAdd(0, of(1, 2, 3, 4), 10)).toBe(true);
  expect(prompts.tryAdd(0, of(1, 2, 5), 20)).toBe(true);
  expect(prompts.tryAdd(0, of(1, 6), 20)).toBe(true);
  expect(prompts.tryAdd(1, of(1, 2, 3, 4), 20)).toBe(true);
  expect(prompts.takeOverdue(0, 9)).toBeNull();
  expect(prompts.takeOverdue(0, 10)).toEqual({ names: of(1, 2, 3, 4), from: 2 });
  expect(prompts.takeOverdue(0, 10)).toBeNull();
  expect(prompts.takeOverdue(0, 20)).toEqual({ names: of(1, 2, 5), from: 1 });
  expect(prompts.takeOverdue(0, 20)).toEqual({ names: of(1, 6), from: 0 });
  prompts.checkIntegrity();
});

test("there is room for so many names, and it comes back", () => {
  const prompts = new ExpectedPrompts(5);
  expect(prompts.tryAdd(0, of(1, 2, 3), 10)).toBe(true);
  expect(prompts.tryAdd(1, of(1, 2, 3), 10)).toBe(false);
  expect(prompts.tryAdd(1, of(1, 2), 10)).toBe(true);
  expect(prompts.tryAdd(1, of(), 10)).toBe(false);
  prompts.takeOverdue(0, 10);
  expect(prompts.tryAdd(2, of(1, 2, 3), 10)).toBe(true);
  prompts.clear(2);
  prompts.clear(1);
  prompts.checkIntegrity();
  expect(prompts.bytes).toBe(0);
});
