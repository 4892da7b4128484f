// Failures in Anthropic's form: its types, its statuses, and the words its clients look for.

import type { ErrorCode, LociError } from "@loci/core";
import { errorBody } from "../error-body.ts";
import type { ErrorReply } from "../error-replies.ts";

type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "permission_error"
  | "not_found_error"
  | "request_too_large"
  | "rate_limit_error"
  | "api_error"
  | "overloaded_error";

export interface MessageError {
  readonly type: "error";
  readonly error: {
    readonly type: ErrorType;
    readonly message: string;
    readonly details?: { readonly error_code: string; readonly unsupported: readonly string[] };
  };
  readonly request_id: string;
}

/** What cannot be taken now but may be later. */
const overloadedCodes: ReadonlySet<ErrorCode> = new Set([
  "queue_full",
  "deadline_unmet",
  "unavailable",
  "out_of_memory",
  "storage_unavailable",
]);
const overloadedStatus = 529;

const typeOfStatus: Readonly<Record<number, ErrorType>> = {
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
};

/** The answer that tells `error`. */
export function messageErrorReply(error: LociError, requestId: string): ErrorReply {
  const status = overloadedCodes.has(error.code) ? overloadedStatus : error.status;
  return { status, body: messageError(error, requestId) };
}

/** The same as an event of a stream. */
export function messageError(error: LociError, requestId: string): MessageError {
  const { message } = errorBody(error, requestId).error;
  return {
    type: "error",
    error: { type: errorType(error), message: worded(error, message), ...threadDetails(error) },
    request_id: requestId,
  };
}

/** The official client, told so, sends the whole conversation instead. */
function threadDetails({ param }: LociError): Pick<MessageError["error"], "details"> {
  if (param !== "thread") return {};
  return { details: { error_code: "thread_unsupported_request", unsupported: ["thread"] } };
}

function errorType(error: LociError): ErrorType {
  if (overloadedCodes.has(error.code)) return "overloaded_error";
  const known = typeOfStatus[error.status];
  if (known !== undefined) return known;
  return error.status < 500 && error.code !== "cancelled" ? "invalid_request_error" : "api_error";
}

/** This form has no field for the parameter at fault; and programs shorten their chat at the words. */
function worded({ code, param }: LociError, message: string): string {
  if (code === "context_length_exceeded") return `prompt is too long: ${message}`;
  if (param === null) return message;
  const field = param.replace(".function.parameters", ".input_schema").replace(".function.", ".");
  return message.includes(field) ? message : `${field}: ${message}`;
}
