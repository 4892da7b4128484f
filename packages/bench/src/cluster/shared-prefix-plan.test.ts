import { expect, test } from "vitest";
import { sharedPrefixPlan, type SharedPrefixShape } from "./shared-prefix-plan.ts";

const shape: SharedPrefixShape = {
  waves: 2,
  groups: 3,
  promptsPerGroup: 4,
  systemTokens: 10,
  questionTokens: 2,
  answerTokens: 5,
};
const ids = { low: 100, high: 50_000 };

function systemOf(prompt: readonly number[] | undefined): string {
  return String(prompt?.slice(0, 10));
}

test("every group has its prompts within one wave, shuffled, all different", () => {
  const prompts = sharedPrefixPlan(shape, ids, 5).map(({ messages }) => messages[0] ?? []);
  expect(prompts.map((prompt) => prompt.length)).toEqual(Array.from({ length: 24 }, () => 12));
  expect(new Set(prompts.map(String)).size).toBe(24);
  const waves = [prompts.slice(0, 12), prompts.slice(12)].map((wave) => wave.map(systemOf));
  for (const wave of waves) {
    const groups = [...new Set(wave)];
    expect(groups).toHaveLength(3);
    for (const group of groups) expect(wave.filter((each) => each === group)).toHaveLength(4);
    expect(wave).not.toEqual(wave.toSorted());
  }
  expect(new Set(waves.flat()).size).toBe(6);
});

test("the same seed plans the same, another one does not", () => {
  expect(sharedPrefixPlan(shape, ids, 5)).toEqual(sharedPrefixPlan(shape, ids, 5));
  expect(sharedPrefixPlan(shape, ids, 6)).not.toEqual(sharedPrefixPlan(shape, ids, 5));
});
