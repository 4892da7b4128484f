// The bench's parts: a file of lengths read or refused, splits that divide, and scores of predictors
// whose right scores are known.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@loci/core";
import { OraclePredictor, WorstCasePredictor, type LengthQuery } from "@loci/predict";
import { afterAll, expect, test } from "vitest";
import { lengthQuery, readLengths } from "./lengths-file.ts";
import { runSplit, splitIndices } from "./split-run.ts";

const folder = mkdtempSync(join(tmpdir(), "loci-lengths-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function file(text: string): string {
  const path = join(folder, "lengths.jsonl");
  writeFileSync(path, text);
  return path;
}

test("reads prompts and lengths", () => {
  const line = `{"prompt":"Hi?","prompt_tokens":2,"output_tokens":{"a":5,"b":7}}`;
  const { models, prompts } = readLengths(file(`${line}\n\n${line}\n`));
  expect(models).toEqual(["a", "b"]);
  expect(prompts).toHaveLength(2);
  expect(prompts[0]).toEqual({ prompt: "Hi?", promptTokens: 2, lengths: [5, 7] });
  const query = lengthQuery({ prompt: "Hi?", promptTokens: 2, lengths: [] }, 3);
  expect([query.userText, query.promptTokens.length]).toEqual(["Hi?", 2]);
});

test("refuses what is not that, with the line", () => {
  const good = `{"prompt":"Hi?","prompt_tokens":2,"output_tokens":{"a":5}}`;
  const bad = [
    "{",
    "[]",
    `{"prompt":1,"prompt_tokens":2,"output_tokens":{"a":5}}`,
    `{"prompt":"x","prompt_tokens":-1,"output_tokens":{"a":5}}`,
    `{"prompt":"x","prompt_tokens":2,"output_tokens":{"b":5}}`,
    `{"prompt":"x","prompt_tokens":2,"output_tokens":{"a":0.5}}`,
  ];
  for (const line of bad) {
    expect(() => readLengths(file(`${good}\n${line}`))).toThrow(/Line 2/);
  }
  expect(() => readLengths(file(""))).toThrow(/no prompts/);
  expect(() => readLengths(join(folder, "none"))).toThrow(/cannot be read/);
});

test("a split divides all there is, the same for the same seed", () => {
  const { learned, tested } = splitIndices(50, 30, 7);
  expect([learned.length, tested.length]).toEqual([30, 20]);
  expect(new Set([...learned, ...tested]).size).toBe(50);
  expect(splitIndices(50, 30, 7)).toEqual({ learned, tested });
  expect(splitIndices(50, 30, 8).tested).not.toEqual(tested);
});

test("the truth scores best, the worst case is off by what it says too much", () => {
  const lengths = Array.from({ length: 40 }, (_, i) => 10 + i);
  const queries: LengthQuery[] = lengths.map((tokens) => ({
    ...lengthQuery({ prompt: "x", promptTokens: 1, lengths: [] }, 0),
    promptTokens: Int32Array.of(tokens),
  }));
  const data = { queries, lengths, ...splitIndices(40, 20, 1) };
  const truth = new OraclePredictor(({ promptTokens }) => promptTokens[0] ?? 1);
  expect(runSplit(truth, data, systemClock)).toMatchObject({
    tau: 1,
    error: 0,
    errorRatio: 0,
    coverage: 1,
  });
  const worst = runSplit(new WorstCasePredictor(), data, systemClock);
  expect([worst.tau, worst.coverage]).toEqual([null, 0]);
  expect(worst.error).toBeGreaterThan(8000);
});
