// Traces as published with Mooncake (FAST 2025): one JSON object per line,
//
//   {"timestamp": ms, "input_length": tokens, "output_length": tokens, "hash_ids": [...]}
//
// with one id for every 512 tokens of the prompt; equal leading ids are a shared prefix.

import { badLine, boundedLines, countOf, parseObject } from "./bounded-text.ts";
import type { TextLine } from "./bounded-text.ts";
import { scaled } from "./trace-options.ts";
import type { TraceOptions } from "./trace-options.ts";
import type { SimRequest } from "./sim-request.ts";

const tokensPerId = 512;
/** Tokens of a prompt or an answer: beyond any model's context. */
const tokensMax = 16 * 1024 * 1024;
/** A month. */
const timestampMsMax = 31 * 24 * 3600 * 1000;

/** The requests of a trace, in order of time. Throws `invalid_request` with the line at fault. */
export function parseMooncakeTrace(
  name: string,
  text: string,
  options: TraceOptions = {},
): SimRequest[] {
  const requests: SimRequest[] = [];
  let beforeMs = 0;
  for (const line of boundedLines(name, text)) {
    const request = parseRequest(line, options);
    if (request.arrivalMs < beforeMs) throw badLine(line.where, "time steps back");
    beforeMs = request.arrivalMs;
    requests.push(request);
  }
  if (requests.length === 0) throw badLine(name, "no request");
  return requests;
}

function parseRequest(line: TextLine, options: TraceOptions): SimRequest {
  const { promptDivisor = 1, answerDivisor = 1 } = options;
  const { where } = line;
  const value = parseObject(line);
  const tokens = countOf(value, "input_length", tokensMax, where);
  const answer = countOf(value, "output_length", tokensMax, where);
  const ids = idsOf(Reflect.get(value, "hash_ids"), where);
  if (tokens < 1) throw badLine(where, "the prompt is empty");
  if (ids.length !== Math.ceil(tokens / tokensPerId)) {
    throw badLine(where, `hash_ids has not one id for every ${tokensPerId} tokens`);
  }
  const blockTokens = scaled(tokensPerId, promptDivisor);
  // What is cut off the last block stays cut off in proportion.
  const last = scaled(tokens - (ids.length - 1) * tokensPerId, promptDivisor);
  const promptTokens = (ids.length - 1) * blockTokens + Math.min(blockTokens, last);
  return {
    arrivalMs: countOf(value, "timestamp", timestampMsMax, where),
    prompt: { blocks: ids, blockTokens, tokens: promptTokens },
    answerTokens: scaled(answer, answerDivisor),
    maxTokens: null,
    ignoresEnd: false,
    tenant: "trace",
    userText: null,
    cancelAfterMs: null,
  };
}

function idsOf(value: unknown, where: string): Int32Array {
  if (!Array.isArray(value)) throw badLine(where, "hash_ids is no list");
  return Int32Array.from(value, (id: unknown) => {
    if (typeof id === "number" && Number.isInteger(id) && id >= 0 && id <= 0x7fffffff) return id;
    throw badLine(where, "hash_ids has something else than whole numbers of 31 bits");
  });
}
