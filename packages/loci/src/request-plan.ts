// From options to the request that an engine takes. Everything that can be refused is refused here,
// with the same bounds and the same meaning as in the HTTP API: the same options give the same answer.

import { LociError } from "@loci/core";
import type { GenerationRequest, ModelInfo, TextCodec } from "@loci/core";
import {
  checkedTokenIds,
  openaiSampling,
  requestLimits,
  samplingParams,
  stopStrings,
  systemEntropy,
} from "@loci/server/parts";

import type { AnswerOptions } from "./answer-options.ts";

interface Range {
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

const tokens: Range = { min: 0, max: requestLimits.tokensMax, isInteger: true };

/** Numbers among the options, with their bounds. */
const ranges: Readonly<Partial<Record<keyof AnswerOptions, Range>>> = {
  temperature: { min: 0, max: 2, isInteger: false },
  topK: tokens,
  topP: { min: 0, max: 1, isInteger: false },
  minP: { min: 0, max: 1, isInteger: false },
  repetitionPenalty: { min: 0.01, max: 10, isInteger: false },
  presencePenalty: { min: -2, max: 2, isInteger: false },
  frequencyPenalty: { min: -2, max: 2, isInteger: false },
  seed: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER, isInteger: true },
  maxTokens: { ...tokens, min: 1 },
  minTokens: tokens,
  logprobs: { min: 0, max: requestLimits.logprobsMax, isInteger: true },
  priority: { min: -1000, max: 1000, isInteger: true },
  retainSeconds: { min: 0, max: 30 * 24 * 3600, isInteger: false },
};

const biasMax = 100;

/** The last user message says most about the answer's length; so much of it is read. */
const userTextMax = 4096;

/** What decides a request besides its options. */
export interface RequestBasis {
  readonly id: string;
  readonly tenant: string;
  readonly promptTokens: Int32Array;
  readonly sessionKey?: string | undefined;
  /** Null for a plain text. */
  readonly userText: string | null;
}

export interface PlanContext {
  readonly model: ModelInfo;
  readonly contextTokensMax: number;
  readonly codec: TextCodec;
}

/** LociError invalid_request, unsupported_schema or context_length_exceeded. */
export function requestPlan(
  context: PlanContext,
  options: AnswerOptions,
  basis: RequestBasis,
): GenerationRequest {
  checkRanges(options);
  const { vocabularySize } = context.model;
  const minTokens = options.minTokens ?? 0;
  if (options.maxTokens !== undefined && minTokens > options.maxTokens) {
    throw invalid("minTokens", "minTokens is larger than maxTokens.");
  }
  const room = roomFor(basis.promptTokens.length, context.contextTokensMax);
  const { priority, retainSeconds } = options;
  return {
    id: basis.id,
    tenant: basis.tenant,
    promptTokens: basis.promptTokens,
    maxTokens: Math.min(options.maxTokens ?? room, room),
    minTokens: Math.min(minTokens, room),
    ignoreEos: options.ignoreEos ?? false,
    stop: stops(options.stop),
    stopTokenIds: checkedTokenIds(
      tokenIds(options.stopTokenIds ?? [], "stopTokenIds"),
      vocabularySize,
      "stopTokenIds",
    ),
    sampling: samplingParams(samplingBody(options), {
      defaults: openaiSampling,
      vocabularySize,
      chanceSeed: () => systemEntropy.seed(),
      grammar: grammarOf(options, context.codec),
      logprobsTop: options.logprobs ?? null,
    }),
    ...(priority === undefined ? {} : { priority }),
    ...(retainSeconds === undefined ? {} : { retainSeconds }),
    ...(basis.sessionKey === undefined ? {} : { sessionKey: basis.sessionKey }),
    ...(basis.userText === null ? {} : { userText: basis.userText.slice(0, userTextMax) }),
  };
}

/** Refuses, before tokenising, a text that cannot fit the context. */
export function requireTextFits(contextTokensMax: number, texts: Iterable<string>): void {
  const bytesMax = contextTokensMax * textBytesPerToken;
  let bytes = 0;
  for (const text of texts) bytes += Buffer.byteLength(text);
  if (bytes <= bytesMax) return;
  throw new LociError(
    "context_length_exceeded",
    `The context is ${contextTokensMax} tokens; a text of ${bytes} bytes cannot fit.`,
  );
}

const textBytesPerToken = 64;

/** Token ids from outside. Throws invalid_request for what is none. */
export function tokenIds(ids: Iterable<number>, name: string): number[] {
  const list = isIterable(ids) ? [...ids] : [NaN];
  if (list.every((id) => Number.isInteger(id) && id >= 0)) return list;
  throw invalid(name, `${name} holds something that is no token id.`);
}

/** Whatever the types said. */
function isIterable(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

export function invalid(param: string, message: string): LociError {
  return new LociError("invalid_request", message, { param });
}

function checkRanges(options: AnswerOptions): void {
  for (const [name, range] of Object.entries(ranges)) {
    const value: unknown = Reflect.get(options, name);
    if (value === undefined || isWithin(value, range)) continue;
    const kind = range.isInteger ? "an integer" : "a number";
    throw invalid(name, `${name} must be ${kind} from ${range.min} to ${range.max}.`);
  }
}

function isWithin(value: unknown, { min, max, isInteger }: Range): boolean {
  if (typeof value !== "number" || (isInteger && !Number.isInteger(value))) return false;
  return value >= min && value <= max;
}

function roomFor(promptTokens: number, contextTokensMax: number): number {
  if (promptTokens === 0) throw invalid("prompt", "The prompt has no tokens.");
  if (promptTokens < contextTokensMax) return contextTokensMax - promptTokens;
  throw new LociError(
    "context_length_exceeded",
    `The context is ${contextTokensMax} tokens; the prompt has ${promptTokens}.`,
  );
}

function stops(stop: AnswerOptions["stop"]): readonly string[] {
  const list = stop === undefined ? [] : typeof stop === "string" ? [stop] : stop;
  const isPossible = isIterable(list) && list.every((text) => isText(text));
  if (!isPossible) throw invalid("stop", "A stop string has at least one character.");
  if (list.length > requestLimits.stopStringsMax) {
    throw invalid("stop", `There are at most ${requestLimits.stopStringsMax} stop strings.`);
  }
  return stopStrings(list);
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** Under the names of the HTTP API; what is absent stays absent. */
function samplingBody(options: AnswerOptions): Parameters<typeof samplingParams>[0] {
  const named = {
    temperature: options.temperature,
    top_k: options.topK,
    top_p: options.topP,
    min_p: options.minP,
    repetition_penalty: options.repetitionPenalty,
    presence_penalty: options.presencePenalty,
    frequency_penalty: options.frequencyPenalty,
    seed: options.seed,
    logit_bias: checkedBias(options.logitBias),
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}

function checkedBias(bias: AnswerOptions["logitBias"]): AnswerOptions["logitBias"] {
  const entries = Object.entries(bias ?? {});
  if (Array.isArray(bias)) throw invalid("logitBias", "logitBias is an object.");
  if (entries.length > requestLimits.listEntriesMax) {
    throw invalid("logitBias", `logitBias has at most ${requestLimits.listEntriesMax} entries.`);
  }
  const range = { min: -biasMax, max: biasMax, isInteger: false };
  for (const [id, value] of entries) {
    if (/^\d{1,10}$/.test(id) && isWithin(value, range)) continue;
    throw invalid(
      "logitBias",
      `logitBias gives token ids a number from -${biasMax} to ${biasMax}.`,
    );
  }
  return bias;
}

function grammarOf({ grammar, jsonSchema }: AnswerOptions, codec: TextCodec): string | null {
  if (grammar !== undefined && jsonSchema !== undefined) {
    throw invalid("grammar", "grammar and jsonSchema exclude each other.");
  }
  if (jsonSchema !== undefined) {
    if (JSON.stringify(jsonSchema).length > requestLimits.schemaCharsMax) {
      const { schemaCharsMax } = requestLimits;
      throw new LociError(
        "unsupported_schema",
        `A schema has at most ${schemaCharsMax} characters.`,
      );
    }
    return codec.grammarForSchema(jsonSchema);
  }
  if (grammar === undefined) return null;
  if (grammar.includes("\0") || grammar.length > requestLimits.grammarCharsMax) {
    throw invalid("grammar", `A grammar has at most ${requestLimits.grammarCharsMax} characters.`);
  }
  codec.checkGrammar(grammar);
  return grammar;
}
