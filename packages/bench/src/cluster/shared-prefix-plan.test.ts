import { expect, test } from "vitest";
import { mean } from "../measure/statistics.ts";
import { sharedPrefixPlan, type SharedPrefixShape } from "./shared-prefix-plan.ts";

const shape: SharedPrefixShape = {
  groups: 40,
  groupsAtOnce: 5,
  promptsPerGroup: 4,
  systemTokens: 10,
  questionTokens: 2,
  answerTokens: 5,
};
const ids = { low: 100, high: 50_000 };

function prompts(seed: number): readonly (readonly number[])[] {
  return sharedPrefixPlan(shape, ids, seed).map(({ messages }) => messages[0] ?? []);
}

function groupOf(prompt: readonly number[]): string {
  return String(prompt.slice(0, shape.systemTokens));
}

test("every group has its prompts, all different", () => {
  const all = prompts(5);
  expect(new Set(all.map((prompt) => prompt.length))).toEqual(new Set([12]));
  expect(new Set(all.map(String)).size).toBe(160);
  const sizes = new Map<string, number>();
  for (const group of all.map(groupOf)) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  expect([...sizes.values()]).toEqual(Array.from({ length: 40 }, () => 4));
});

test("about so many groups are in use at a time, and their prompts are mixed", () => {
  const groups = prompts(5).map(groupOf);
  const inUse = groups.map((_, place) => {
    const before = new Set(groups.slice(0, place + 1));
    return new Set(groups.slice(place).filter((group) => before.has(group))).size;
  });
  expect(Math.max(...inUse)).toBeLessThanOrEqual(shape.groupsAtOnce + 1);
  // Away from the ends, where there are fewer.
  expect(mean(inUse.slice(40, 120))).toBeGreaterThan(shape.groupsAtOnce / 2);
  const neighbours = groups.filter((group, place) => group === groups[place + 1]).length;
  expect(neighbours).toBeLessThan(groups.length / 2);
});

test("the same seed plans the same, another one does not", () => {
  expect(prompts(5)).toEqual(prompts(5));
  expect(prompts(6)).not.toEqual(prompts(5));
});
