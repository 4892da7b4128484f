// An answer on its way from a worker: one line of JSON for each event, an empty line as a sign of
// life, and a last line that is `finished` or an error. With `finished` comes what the worker's load
// is now, so that the next decision knows it.

import { errorTable, LociError } from "@loci/core";
import type {
  ErrorCode,
  FinishReason,
  GenerationEvent,
  SampledLogprobs,
  ServiceSnapshot,
  TokenLogprob,
  WorkerLoad,
} from "@loci/core";
import { Fields } from "./fields.ts";
import { decodeLoad, decodeSnapshot } from "./load-line.ts";
import { WireError } from "./wire-error.ts";

/** Longest line of an answer: a token with all its alternatives, or the text held back. */
export const answerLineBytesMax: number = 1024 * 1024;

const textCharsMax = 262_144;
const tokenBytesMax = 65_536;
const alternativesMax = 128;
const tokenIdMax = 2 ** 31 - 1;
const finishReasons: readonly FinishReason[] = ["stop", "length", "cancelled"];

export interface WorkerNumbers {
  readonly load: WorkerLoad;
  readonly snapshot: ServiceSnapshot;
}

export type AnswerLine =
  | { readonly kind: "event"; readonly event: GenerationEvent }
  | { readonly kind: "numbers"; readonly numbers: WorkerNumbers }
  | { readonly kind: "error"; readonly error: LociError };

export function encodeEvent(event: GenerationEvent): string {
  if (event.type !== "token") return JSON.stringify(event);
  const { tokenId, text, logprobs } = event;
  if (logprobs === null) return JSON.stringify({ t: tokenId, x: text });
  const { top, ...chosen } = logprobs;
  const logprobsSent = { ...encodeLogprob(chosen), top: top.map(encodeLogprob) };
  return JSON.stringify({ t: tokenId, x: text, l: logprobsSent });
}

export function encodeNumbers({ load, snapshot }: WorkerNumbers): string {
  return JSON.stringify({ type: "numbers", load, snapshot });
}

export function encodeError(error: LociError): string {
  const { code, message, param, retryAfterSeconds } = error;
  return JSON.stringify({ type: "error", code, message, param, retryAfterSeconds });
}

/** Throws WireError. */
export function decodeAnswerLine(value: unknown): AnswerLine {
  const fields = new Fields(value);
  if (fields.has("t")) return { kind: "event", event: decodeToken(fields) };
  switch (fields.choice("type", ["started", "finished", "numbers", "error"])) {
    case "started":
      return { kind: "event", event: decodeStarted(fields) };
    case "finished":
      return { kind: "event", event: decodeFinished(fields) };
    case "numbers": {
      const load = decodeLoad(fields.object("load"));
      const snapshot = decodeSnapshot(fields.object("snapshot"));
      return { kind: "numbers", numbers: { load, snapshot } };
    }
    case "error":
      break;
  }
  return { kind: "error", error: decodeError(fields) };
}

/** A code that is not known here (a newer worker's) is `internal`. */
export function decodeError(fields: Fields): LociError {
  const code = fields.text("code", 64);
  return new LociError(isErrorCode(code) ? code : "internal", fields.text("message", 4096), {
    ...(fields.has("param") && { param: fields.text("param", 256) }),
    ...(fields.has("retryAfterSeconds") && {
      retryAfterSeconds: fields.number("retryAfterSeconds", 0),
    }),
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorTable, code);
}

function decodeToken(fields: Fields): GenerationEvent {
  const logprobs = fields.has("l") ? decodeLogprobs(fields.object("l")) : null;
  const tokenId = fields.integer("t", 0, tokenIdMax);
  return { type: "token", tokenId, text: fields.text("x", textCharsMax), logprobs };
}

function decodeStarted(fields: Fields): GenerationEvent {
  const promptTokens = fields.integer("promptTokens");
  return { type: "started", promptTokens, cachedTokens: fields.integer("cachedTokens") };
}

function decodeFinished(fields: Fields): GenerationEvent {
  const usage = fields.object("usage");
  return {
    type: "finished",
    reason: fields.choice("reason", finishReasons),
    text: fields.text("text", textCharsMax),
    stoppedBy: decodeStoppedBy(fields),
    usage: {
      promptTokens: usage.integer("promptTokens"),
      cachedTokens: usage.integer("cachedTokens"),
      completionTokens: usage.integer("completionTokens"),
    },
  };
}

function decodeStoppedBy(fields: Fields): string | number | null {
  if (!fields.has("stoppedBy")) return null;
  try {
    return fields.integer("stoppedBy", 0, tokenIdMax);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return fields.text("stoppedBy", textCharsMax);
  }
}

interface SentLogprob {
  readonly i: number;
  readonly b: string;
  readonly p: number;
}

function encodeLogprob({ tokenId, bytes, logprob }: TokenLogprob): SentLogprob {
  // JSON has no infinity; a probability of 0 is as good as this.
  const p = Math.max(logprob, -Number.MAX_VALUE);
  return { i: tokenId, b: Buffer.from(bytes).toString("base64"), p };
}

function decodeLogprob(fields: Fields): TokenLogprob {
  const bytes = new Uint8Array(fields.bytes("b", tokenBytesMax));
  return { tokenId: fields.integer("i", 0, tokenIdMax), bytes, logprob: fields.number("p") };
}

function decodeLogprobs(fields: Fields): SampledLogprobs {
  const top = fields.list("top", alternativesMax);
  return { ...decodeLogprob(fields), top: top.map((item) => decodeLogprob(new Fields(item))) };
}
