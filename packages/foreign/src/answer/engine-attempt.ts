// One attempt at a request on an engine. The prompt is followed by what was delivered already, so an
// engine that knows nothing of moved answers continues them. What differs from our own workers: its
// draws begin anew (with another seed), its penalties see delivered tokens as prompt, and a grammar
// would begin anew, too, so answers within one are not moved.

import { LociError } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import type { EngineDialect } from "../dialect/engine-dialect.ts";
import { statusError } from "../http/engine-errors.ts";
import type { EngineHttp } from "../http/engine-http.ts";
import { countAt, fieldAt } from "../http/fields.ts";
import { EngineAnswer } from "./engine-answer.ts";
import type { AnswerParts, TokenCodec } from "./engine-answer.ts";

export interface AnsweringEngine {
  readonly http: EngineHttp;
  readonly dialect: EngineDialect;
  readonly codec: TokenCodec;
  /** The model's name at the engine. */
  readonly model: string;
  /** Of prompt and answer together. */
  readonly contextTokensMax: number;
}

export interface AttemptParts extends AnswerParts {
  /** Keeps tenants' caches apart; null where there is nothing to keep apart. */
  readonly salt: string | null;
}

/** Odd, so that every length of a delivered answer gives another seed. */
const seedStep = 0x9e3779b1;

/** See WorkerLink.generate. */
export async function* attempt(
  engine: AnsweringEngine,
  parts: AttemptParts,
  signal: AbortSignal,
): AsyncGenerator<GenerationEvent, void, undefined> {
  const answer = new EngineAnswer(engine.codec, parts);
  // Ends the stream on the engine as soon as we know that the answer has ended.
  const ours = new AbortController();
  try {
    const either = AbortSignal.any([signal, ours.signal]);
    if (!answer.isComplete) yield* streamed(engine, parts, { answer, signal: either });
    yield* answer.end();
  } catch (error) {
    if (!signal.aborted) throw error;
    yield answer.finish("cancelled");
  } finally {
    ours.abort();
    answer.close();
  }
}

async function* streamed(
  engine: AnsweringEngine,
  parts: AttemptParts,
  { answer, signal }: { readonly answer: EngineAnswer; readonly signal: AbortSignal },
): AsyncGenerator<GenerationEvent, void, undefined> {
  const { request, salt } = parts;
  const { dialect, http, model, contextTokensMax } = engine;
  const deliveredTokens = request.deliveredTokens?.length ?? 0;
  checkContinuation(request, deliveredTokens);
  const tokens = promptOf(request);
  const body = dialect.body({
    request,
    tokens,
    // Some engines refuse what could not fit, where we end the answer at the context's end.
    maxTokens: Math.min(request.maxTokens - deliveredTokens, contextTokensMax - tokens.length),
    minTokens: Math.max(0, request.minTokens - deliveredTokens),
    seed: (request.sampling.seed + Math.imul(deliveredTokens, seedStep)) >>> 0,
    model,
    salt,
  });
  const read = dialect.openReader();
  const { traceparent } = request;
  for await (const value of http.stream(dialect.path, body, { signal, traceparent })) {
    throwChunkError(value);
    yield* await answer.take(read(value));
    // What ends the answer for the engine, too, is followed by its usage.
    if (typeof answer.stoppedBy === "string") return;
    if (answer.stoppedBy !== null && !dialect.knowsStopTokens) return;
  }
}

function promptOf({ promptTokens, deliveredTokens }: GenerationRequest): Int32Array {
  if (deliveredTokens === undefined || deliveredTokens.length === 0) return promptTokens;
  const tokens = new Int32Array(promptTokens.length + deliveredTokens.length);
  tokens.set(promptTokens);
  tokens.set(deliveredTokens, promptTokens.length);
  return tokens;
}

function checkContinuation(request: GenerationRequest, deliveredTokens: number): void {
  if (deliveredTokens === 0 || request.sampling.grammar === null) return;
  throw new LociError(
    "not_supported",
    "The answer was cut off: no engine here can go on within a grammar that another began.",
  );
}

/** An error that comes within a stream whose status was 200. */
function throwChunkError(value: unknown): void {
  const error = fieldAt(value, "error");
  if (error === undefined || error === null) return;
  const status = countAt(error, "code") ?? 500;
  throw statusError(status >= 400 && status < 600 ? status : 500, JSON.stringify({ error }), null);
}
