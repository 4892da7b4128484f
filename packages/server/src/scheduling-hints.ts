// What a request says about when it has to be served, and what helps to tell how long its answer will
// be. Hints only: they order and refuse, they never change an answer.

import type { IncomingHttpHeaders } from "node:http";
import type { ChatMessage } from "@loci/core";
import { invalid } from "./sampling-params.ts";

/** Headers that name the longest wait for the first token, in milliseconds. */
const firstTokenHeaders = ["x-loci-slo-ttft-ms", "x-slo-ttft-ms"] as const;
const firstTokenMsMax = 86_400_000;
/** Of the last user message, in UTF-16 units: what a length predictor may read. */
const userTextMax = 4096;

/** Fields of a GenerationRequest; absent where nothing is said. */
export interface SchedulingHints {
  readonly priority?: number;
  readonly firstTokenSecondsMax?: number;
  readonly userText?: string;
}

export interface SchedulingSources {
  readonly headers: IncomingHttpHeaders;
  readonly body: { readonly priority?: number };
  /** The chat, or null for a plain completion. */
  readonly messages: readonly ChatMessage[] | null;
}

/** Throws invalid_request for a header that is no number of milliseconds. */
export function schedulingHints({ headers, body, messages }: SchedulingSources): SchedulingHints {
  const limit = firstTokenSeconds(headers);
  const userText = messages?.findLast(({ role }) => role === "user")?.content ?? null;
  return {
    ...(body.priority === undefined ? {} : { priority: body.priority }),
    ...(limit === null ? {} : { firstTokenSecondsMax: limit }),
    ...(userText === null ? {} : { userText: userText.slice(0, userTextMax) }),
  };
}

function firstTokenSeconds(headers: IncomingHttpHeaders): number | null {
  for (const name of firstTokenHeaders) {
    const value = headers[name];
    if (value === undefined) continue;
    const ms = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : 0;
    if (ms >= 1 && ms <= firstTokenMsMax) return ms / 1000;
    throw invalid(name, `The header ${name} is a whole number of milliseconds, at most a day.`);
  }
  return null;
}
