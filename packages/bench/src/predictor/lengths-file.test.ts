// A file of lengths is read, or refused with the line at fault.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lengthQuery, readLengths } from "./lengths-file.ts";

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
