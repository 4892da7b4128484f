// What an error of a connection says about the attempt that met it.

import type { ErrorCode, LociError } from "@loci/core";
import { WireError } from "../wire/wire-error.ts";
import { AttemptError } from "./attempt-error.ts";
import { SilentStreamError } from "./line-reader.ts";

/** Nothing was sent: the connection could not be made. */
const unreachableCodes: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOENT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Nobody listens there; not even a machine that is busy. */
const nobodyCodes: ReadonlySet<string> = new Set(["ECONNREFUSED", "ENOENT"]);

const stalledCodes: ReadonlySet<string> = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);

/** What an engine says when it cannot take a request now; another may. */
const refusalCodes: ReadonlySet<ErrorCode> = new Set([
  "queue_full",
  "unavailable",
  "deadline_unmet",
  "out_of_memory",
  "unauthorized",
]);

export function isNobodyThere(error: unknown): boolean {
  return nobodyCodes.has(codeOf(error));
}

/** A broken connection as the failure of an attempt. */
export function attemptErrorOf(error: unknown): AttemptError {
  if (error instanceof AttemptError) return error;
  if (error instanceof SilentStreamError) return new AttemptError("worker_stalled", error.message);
  if (error instanceof WireError) {
    return new AttemptError("worker_lost", `The worker sent nonsense: ${error.message}.`);
  }
  const code = codeOf(error);
  if (unreachableCodes.has(code)) {
    return new AttemptError("unreachable", `The worker cannot be reached (${code}).`);
  }
  if (stalledCodes.has(code)) {
    return new AttemptError("worker_stalled", `The worker does not answer (${code}).`);
  }
  return new AttemptError("worker_lost", `The connection broke (${code}).`);
}

/** Refusals that say more to a client than that no worker took its request. */
const tellingCodes: ReadonlySet<ErrorCode> = new Set(["queue_full", "deadline_unmet"]);

/** An error that the worker told: refused, its engine failed, or for the client. */
export function toldError(error: LociError): AttemptError | LociError {
  if (refusalCodes.has(error.code)) {
    // A key that is not accepted is the operator's business.
    const refusal = tellingCodes.has(error.code) ? error : null;
    const isNotServing = error.code === "unavailable";
    return new AttemptError("refused", error.message, refusal, isNotServing);
  }
  // The engine broke in a step with this request: it may be why.
  if (error.code === "internal") return new AttemptError("worker_lost", error.message);
  return error;
}

function codeOf(error: unknown): string {
  const hasCode = typeof error === "object" && error !== null && "code" in error;
  return hasCode && typeof error.code === "string" ? error.code : "unknown";
}
