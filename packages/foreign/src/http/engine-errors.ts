// What a failed call to an engine means: either the request is at fault (LociError, for the client),
// or the worker is (AttemptError, for the router, which tries another).

import { AttemptError } from "@loci/cluster";
import { LociError } from "@loci/core";
import { parseJson, stringAt } from "./fields.ts";

const messageCharsMax = 500;
const unreachableCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const silenceCodes: ReadonlySet<string> = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** An answer with another status than 200. */
export function statusError(
  status: number,
  body: string,
  retryAfter: string | null,
): AttemptError | LociError {
  const message = engineMessage(body) ?? `The engine answered with status ${status}.`;
  if (status === 429) return refused("queue_full", message, retryAfter);
  if (status === 503) return refused("unavailable", message, retryAfter);
  if (status === 401 || status === 403) {
    // Our key is wrong, not the client's: to the client this worker is just not there.
    return refused("unavailable", "The engine does not accept this router's key.", null);
  }
  if (status >= 500) return new AttemptError("worker_lost", message);
  if (/context|maximum.{0,20}length|too long|exceed/i.test(message)) {
    return new LociError("context_length_exceeded", message);
  }
  if (status === 404) return new LociError("not_supported", message);
  return new LociError("invalid_request", message);
}

/** An error that undici or a socket threw; `null` where it is none of theirs. */
export function transportError(error: unknown, hasBegun: boolean): AttemptError | null {
  const code = codeOf(error);
  // Node's and undici's words for a mistake of ours.
  if (code === null || code.startsWith("ERR_") || code === "UND_ERR_INVALID_ARG") return null;
  if (silenceCodes.has(code)) return new AttemptError("worker_stalled", "The engine went silent.");
  if (!hasBegun && unreachableCodes.has(code)) {
    return new AttemptError("unreachable", `The engine cannot be reached (${code}).`);
  }
  return new AttemptError("worker_lost", `The connection to the engine broke (${code}).`);
}

/** True where nobody listens at the address; a machine that is only busy says otherwise. */
export function isNobodyThere(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ECONNREFUSED" || code === "ENOENT";
}

/** The text of an error body: OpenAI's, FastAPI's or llama-server's shape. */
export function engineMessage(body: string): string | null {
  const value = parseJson(body);
  const text =
    stringAt(value, "error", "message") ??
    stringAt(value, "message") ??
    stringAt(value, "detail") ??
    stringAt(value, "error");
  if (text === null || text === "") return null;
  return text.replaceAll(/\p{Cc}+/gu, " ").slice(0, messageCharsMax);
}

function refused(
  code: "queue_full" | "unavailable",
  message: string,
  retryAfter: string | null,
): AttemptError {
  const seconds = Number(retryAfter ?? "");
  const isKnown = retryAfter !== null && Number.isFinite(seconds) && seconds >= 0;
  const details = isKnown ? { retryAfterSeconds: Math.min(seconds, 3600) } : {};
  return new AttemptError("refused", message, new LociError(code, message, details));
}

function codeOf(error: unknown): string | null {
  // Several addresses of one name: the first failure speaks for all.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = stringAt(error, "code");
  if (code !== null) return code;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? null : codeOf(cause);
}
