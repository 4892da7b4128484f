import type { LengthSample } from "@loci/sim";
import { expect, test } from "vitest";
import { admissionWorkload } from "./admission-workload.ts";

const samples = Array.from({ length: 30 }, (_, index): LengthSample => {
  const answerTokens = new Map([["model", 10 * index]]);
  return { prompt: `prompt ${index}`, promptTokens: index + 1, answerTokens };
});
const shape = { answeredBy: "model", scale: 0.5, maxTokens: 100, promptTokensMax: 25 };
const range = { low: 5, high: 9 };

test("prompts are seen before or wait, never both, with their scaled lengths", () => {
  const { seen, waiting } = admissionWorkload(
    samples,
    shape,
    { seen: 15, waiting: 10, seed: 1 },
    range,
  );
  const all = [...seen, ...waiting];
  expect(new Set(all.map(({ userText }) => userText)).size).toBe(25);
  for (const { promptTokens, userText, answerTokens } of all) {
    const index = Number(userText.slice("prompt ".length));
    expect(promptTokens).toHaveLength(index + 1);
    expect(promptTokens.every((token) => token >= 5 && token <= 9)).toBe(true);
    expect(answerTokens).toBe(Math.max(1, Math.min(100, 5 * index)));
  }
});

function draw(seed: number): object {
  return admissionWorkload(samples, shape, { seen: 3, waiting: 3, seed }, range);
}

test("the same seed draws the same", () => {
  expect(draw(2)).toEqual(draw(2));
  expect(draw(2)).not.toEqual(draw(3));
});

test("what the file does not have is refused by name", () => {
  const size = { seen: 20, waiting: 10, seed: 1 };
  expect(() => admissionWorkload(samples, shape, size, range)).toThrow("only 25 such prompts");
  const other = { ...shape, answeredBy: "nobody" };
  expect(() => admissionWorkload(samples, other, { ...size, seen: 1 }, range)).toThrow("of nobody");
});
