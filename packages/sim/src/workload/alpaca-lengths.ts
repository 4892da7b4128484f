// Real instructions with the answer lengths of several chat models, one JSON object per line:
//
//   {"id": 0, "prompt": "...", "prompt_tokens": 15, "output_tokens": {"model": 487, ...}}

import { badLine, boundedLines, countOf, parseObject } from "./bounded-text.ts";

/** One instruction. */
export interface LengthSample {
  readonly prompt: string;
  readonly promptTokens: number;
  /** Model → tokens of its answer, at least 1. */
  readonly answerTokens: ReadonlyMap<string, number>;
}

const tokensMax = 1_000_000;
const modelsMax = 64;
const nameLengthMax = 128;

/** Throws `invalid_request` with the line at fault; all lines have the same models. */
export function parseLengths(name: string, text: string): LengthSample[] {
  const samples: LengthSample[] = [];
  for (const line of boundedLines(name, text)) {
    const { where } = line;
    const value = parseObject(line);
    const prompt: unknown = Reflect.get(value, "prompt");
    if (typeof prompt !== "string") throw badLine(where, "prompt is no text");
    const promptTokens = countOf(value, "prompt_tokens", tokensMax, where);
    if (promptTokens < 1) throw badLine(where, "the prompt is empty");
    const answerTokens = lengthsOf(Reflect.get(value, "output_tokens"), where);
    const first = samples[0];
    const isSame =
      first === undefined || [...first.answerTokens.keys()].every((key) => answerTokens.has(key));
    if (!isSame) throw badLine(where, "output_tokens has not the models of the first line");
    samples.push({ prompt, promptTokens, answerTokens });
  }
  if (samples.length === 0) throw badLine(name, "no request");
  return samples;
}

function lengthsOf(value: unknown, where: string): Map<string, number> {
  if (typeof value !== "object" || value === null) throw badLine(where, "no output_tokens");
  const keys = Object.keys(value);
  if (keys.length < 1 || keys.length > modelsMax) {
    throw badLine(where, `output_tokens has not 1 to ${modelsMax} models`);
  }
  const lengths = new Map<string, number>();
  for (const key of keys) {
    if (key.length > nameLengthMax) throw badLine(where, "a model's name is too long");
    lengths.set(key, Math.max(1, countOf(value, key, tokensMax, where)));
  }
  return lengths;
}
