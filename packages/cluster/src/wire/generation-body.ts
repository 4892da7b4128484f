// A request on its way to a worker, as the body of POST /worker/generate. Token ids travel as
// base64 of 32-bit words: a tenth of the work of JSON numbers.

import type { GenerationRequest, SamplingParams } from "@loci/core";
import type { FetchOrder } from "../link/worker-link.ts";
import { Fields } from "./fields.ts";
import { base64OfTokens, tokensOfBytes } from "./number-bytes.ts";
import { WireError } from "./wire-error.ts";

export const bodyBounds: Readonly<
  Record<
    | "bodyBytesMax"
    | "tokensMax"
    | "idCharsMax"
    | "stopStringsMax"
    | "stopCharsMax"
    | "listEntriesMax"
    | "grammarCharsMax"
    | "userTextCharsMax"
    | "urlCharsMax"
    | "logprobsMax",
    number
  >
> = {
  /** The body of any request to a worker. */
  bodyBytesMax: 32 * 1024 * 1024,
  tokensMax: 4 * 1024 * 1024,
  idCharsMax: 512,
  stopStringsMax: 64,
  stopCharsMax: 4096,
  listEntriesMax: 4096,
  grammarCharsMax: 4 * 1024 * 1024,
  userTextCharsMax: 1024 * 1024,
  urlCharsMax: 512,
  logprobsMax: 128,
};

const tokenIdMax = 2 ** 31 - 1;
const seedMax = 2 ** 32 - 1;

export interface GenerationBody {
  readonly request: GenerationRequest;
  readonly fetch: FetchOrder | null;
}

export function encodeGenerationBody({ request, fetch }: GenerationBody): string {
  const { promptTokens, deliveredTokens, sampling, ...plain } = request;
  return JSON.stringify({
    ...plain,
    prompt: base64OfTokens(promptTokens),
    ...(deliveredTokens && { delivered: base64OfTokens(deliveredTokens) }),
    sampling: { ...sampling, logitBias: [...sampling.logitBias] },
    ...(fetch && { fetch }),
  });
}

/** Throws WireError. */
export function decodeGenerationBody(body: unknown): GenerationBody {
  const fields = new Fields(body);
  const { idCharsMax, tokensMax, userTextCharsMax } = bodyBounds;
  const tokens = (name: string): Int32Array => tokensOfBytes(fields.bytes(name, 4 * tokensMax));
  const request: GenerationRequest = {
    id: fields.text("id", idCharsMax),
    tenant: fields.text("tenant", idCharsMax),
    promptTokens: tokens("prompt"),
    maxTokens: fields.integer("maxTokens", 0),
    minTokens: fields.integer("minTokens", 0),
    ignoreEos: fields.flag("ignoreEos"),
    stop: fields.texts("stop", bodyBounds.stopStringsMax, bodyBounds.stopCharsMax),
    stopTokenIds: fields.integers("stopTokenIds", bodyBounds.listEntriesMax, tokenIdMax),
    sampling: decodeSampling(fields.object("sampling")),
    ...(fields.has("payer") && { payer: fields.text("payer", idCharsMax) }),
    ...(fields.has("priority") && { priority: fields.number("priority") }),
    ...(fields.has("firstTokenSecondsMax") && {
      firstTokenSecondsMax: fields.number("firstTokenSecondsMax", 0),
    }),
    ...(fields.has("sessionKey") && { sessionKey: fields.text("sessionKey", 4 * idCharsMax) }),
    ...(fields.has("userText") && { userText: fields.text("userText", userTextCharsMax) }),
    ...(fields.has("retainSeconds") && { retainSeconds: fields.number("retainSeconds", 0) }),
    ...(fields.has("delivered") && { deliveredTokens: tokens("delivered") }),
    ...(fields.has("traceparent") && { traceparent: fields.text("traceparent", idCharsMax) }),
  };
  return { request, fetch: fields.has("fetch") ? decodeFetch(fields.object("fetch")) : null };
}

function decodeSampling(fields: Fields): SamplingParams {
  const logprobs = fields.has("logprobsTop");
  const grammar = fields.has("grammar");
  return {
    temperature: fields.number("temperature", 0),
    topK: fields.integer("topK", 0),
    topP: fields.number("topP", 0, 1),
    minP: fields.number("minP", 0, 1),
    repetitionPenalty: fields.number("repetitionPenalty", 0),
    presencePenalty: fields.number("presencePenalty"),
    frequencyPenalty: fields.number("frequencyPenalty"),
    logitBias: new Map(fields.list("logitBias", bodyBounds.listEntriesMax).map(decodeBias)),
    seed: fields.integer("seed", 0, seedMax),
    logprobsTop: logprobs ? fields.integer("logprobsTop", 0, bodyBounds.logprobsMax) : null,
    grammar: grammar ? fields.text("grammar", bodyBounds.grammarCharsMax) : null,
  };
}

function decodeBias(entry: unknown): readonly [number, number] {
  const [tokenId, bias]: readonly unknown[] = Array.isArray(entry) ? entry : [];
  const isToken = typeof tokenId === "number" && Number.isInteger(tokenId) && tokenId >= 0;
  if (!isToken || typeof bias !== "number") throw new WireError("a bias is a token and a number");
  return [tokenId, bias];
}

/** Throws WireError. */
export function decodeFetch(fields: Fields): FetchOrder {
  const blockStart = fields.integer("blockStart", 0, bodyBounds.tokensMax);
  const blockEnd = fields.integer("blockEnd", blockStart, bodyBounds.tokensMax);
  return { url: fields.text("url", bodyBounds.urlCharsMax), blockStart, blockEnd };
}
