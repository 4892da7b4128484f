// Prompts and how long several models' answers to them were: JSON lines of
// `{prompt, prompt_tokens, output_tokens: {model: tokens}}`.

import { readFileSync, statSync } from "node:fs";
import { LociError } from "@loci/core";
import { lengthMax, type LengthQuery } from "@loci/predict";

export interface AnsweredPrompt {
  readonly prompt: string;
  readonly promptTokens: number;
  /** Tokens of each model's answer, in the order of `LengthsFile.models`. */
  readonly lengths: readonly number[];
}

export interface LengthsFile {
  readonly models: readonly string[];
  readonly prompts: readonly AnsweredPrompt[];
}

const bytesMax = 256 * 2 ** 20;
/** Longer answers than any that is measured. */
const tokensMax = 8192;

/** Throws `config_invalid` with the line at fault. */
export function readLengths(path: string): LengthsFile {
  const text = readText(path);
  let models: readonly string[] | null = null;
  const prompts: AnsweredPrompt[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const row = parseRow(line);
    if (row === null) throw invalid(path, `Line ${i + 1} is not a prompt with answer lengths.`);
    models ??= Object.keys(row.output);
    const lengths = models.map((model) => row.output[model] ?? 0);
    if (!lengths.every((tokens) => isCount(tokens, 1))) {
      throw invalid(path, `Line ${i + 1} lacks the length of some model's answer.`);
    }
    prompts.push({ prompt: row.prompt, promptTokens: row.promptTokens, lengths });
  }
  if (models === null || models.length === 0) throw invalid(path, "It holds no prompts.");
  return { models, prompts };
}

/** As a server would ask; a prompt's tokens are made up, since the file has only their count. */
export function lengthQuery(prompt: AnsweredPrompt, index: number): LengthQuery {
  const count = Math.min(prompt.promptTokens, 4096);
  return {
    tenant: "bench",
    promptTokens: Int32Array.from({ length: count }, (_, place) => index * 4096 + place),
    userText: prompt.prompt,
    tokensMax,
    tokensMin: 0,
    ignoresEnd: false,
    temperature: 1,
    isConstrained: false,
  };
}

function readText(path: string): string {
  try {
    if (statSync(path).size > bytesMax) throw invalid(path, "It is too large.");
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof LociError) throw error;
    throw new LociError("file_unreadable", `${path} cannot be read.`, { cause: error });
  }
}

interface Row {
  readonly prompt: string;
  readonly promptTokens: number;
  readonly output: Readonly<Record<string, number>>;
}

function parseRow(line: string): Row | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!isRecord(value)) return null;
  const { prompt, prompt_tokens: promptTokens, output_tokens: output } = value;
  if (typeof prompt !== "string" || !isCount(promptTokens, 0) || !isRecord(output)) return null;
  return { prompt, promptTokens, output: counts(output) };
}

function counts(output: Readonly<Record<string, unknown>>): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [model, tokens] of Object.entries(output)) {
    if (isCount(tokens, 1)) found[model] = Math.min(tokens, lengthMax);
  }
  return found;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, min: number): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min;
}

function invalid(path: string, message: string): LociError {
  return new LociError("config_invalid", `${path}: ${message}`);
}
