// From a request's fields to what the generation service takes. What the schema cannot say (bytes,
// vocabulary) is checked here; nothing is silently changed.

import { LociError, type SamplingParams } from "@loci/core";
import { requestLimits } from "./limits.ts";
import type { GenerationFields } from "./schemas/sampling.ts";
import type { SamplingDefaults } from "./server-options.ts";

/** Below this a temperature only divides by nearly zero: it is greedy. */
const temperatureMin = 1e-5;

export interface SamplingContext {
  readonly defaults: SamplingDefaults;
  readonly vocabularySize: number;
  /** Used when the request has no seed. */
  readonly chanceSeed: () => number;
  readonly grammar: string | null;
  readonly logprobsTop: number | null;
}

/** Sampling of the first answer; answer i of `n` uses `withSeed`. Throws invalid_request. */
export function samplingParams(body: GenerationFields, context: SamplingContext): SamplingParams {
  const { defaults } = context;
  if (body.repetition_penalty !== undefined && body.repeat_penalty !== undefined) {
    throw invalid("repeat_penalty", "Set repetition_penalty or repeat_penalty, not both.");
  }
  const temperature = body.temperature ?? defaults.temperature;
  return {
    temperature: temperature < temperatureMin ? 0 : temperature,
    topK: Math.max(0, body.top_k ?? defaults.topK),
    topP: body.top_p ?? defaults.topP,
    minP: body.min_p ?? defaults.minP,
    repetitionPenalty: body.repetition_penalty ?? body.repeat_penalty ?? defaults.repetitionPenalty,
    presencePenalty: body.presence_penalty ?? 0,
    frequencyPenalty: body.frequency_penalty ?? 0,
    logitBias: logitBias(body.logit_bias, context.vocabularySize),
    seed: seedOf(body.seed, context.chanceSeed),
    logprobsTop: context.logprobsTop,
    grammar: context.grammar,
  };
}

/** The sampling of answer `index` among `n`: the seed counts up. */
export function withSeed(params: SamplingParams, index: number): SamplingParams {
  return index === 0 ? params : { ...params, seed: (params.seed + index) >>> 0 };
}

/** Any safe integer as 32 bits; small ones stay themselves. -1 and absence mean chance. */
function seedOf(seed: number | undefined, chanceSeed: () => number): number {
  if (seed === undefined || seed === -1) return chanceSeed();
  const high = Math.floor(seed / 0x1_0000_0000);
  return (seed ^ Math.imul(high, 0x9e3779b1)) >>> 0;
}

function logitBias(
  bias: Readonly<Record<string, number>> | undefined,
  vocabularySize: number,
): ReadonlyMap<number, number> {
  const entries = Object.entries(bias ?? {}).map(([id, value]) => [Number(id), value] as const);
  const outside = entries.find(([id]) => id >= vocabularySize);
  if (outside !== undefined) {
    throw invalid("logit_bias", `Token id ${outside[0]} is outside the model's vocabulary.`);
  }
  return new Map(entries);
}

/** The stop strings of a request. Throws invalid_request for one of too many bytes. */
export function stopStrings(stop: GenerationFields["stop"]): readonly string[] {
  const strings = stop === undefined ? [] : typeof stop === "string" ? [stop] : stop;
  for (const text of strings) {
    if (Buffer.byteLength(text) > requestLimits.stopBytesMax) {
      throw invalid("stop", `A stop string has at most ${requestLimits.stopBytesMax} bytes.`);
    }
  }
  return [...new Set(strings)];
}

/** Token ids that a request names, checked against the vocabulary. */
export function checkedTokenIds(
  ids: readonly number[],
  vocabularySize: number,
  param: string,
): readonly number[] {
  const outside = ids.find((id) => id >= vocabularySize);
  if (outside === undefined) return ids;
  throw invalid(param, `Token id ${outside} is outside the model's vocabulary.`);
}

export function invalid(param: string, message: string): LociError {
  return new LociError("invalid_request", message, { param });
}
