// World errors: a closed union of codes. One table gives each its HTTP status and OpenAI error
// type; every error says what happened and, where there is one, the remedy.

export type ErrorCode =
  | "invalid_request"
  | "context_length_exceeded"
  | "template_failed"
  | "unsupported_schema"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "model_not_found"
  | "method_not_allowed"
  | "conversation_busy"
  | "idempotency_conflict"
  | "idempotency_mismatch"
  | "payload_too_large"
  | "unsupported_media_type"
  | "headers_too_large"
  | "queue_full"
  | "deadline_unmet"
  | "cancelled"
  | "client_too_slow"
  | "unavailable"
  | "not_supported"
  | "internal"
  | "quarantined"
  | "model_file_invalid"
  | "model_file_changed"
  | "unsupported_architecture"
  | "unsupported_tensor_type"
  | "native_library_missing"
  | "native_library_mismatch"
  | "out_of_memory"
  | "config_invalid"
  | "file_unreadable"
  | "download_failed"
  | "storage_full"
  | "storage_corrupt"
  | "storage_unavailable"
  | "storage_version_unsupported"
  | "storage_quota_exceeded";

export interface ErrorFacts {
  readonly status: number;
  /** OpenAI's `error.type`. */
  readonly type: string;
}

/** Code → HTTP status and OpenAI error type. The only place where the two meet. */
export const errorTable: Readonly<Record<ErrorCode, ErrorFacts>> = {
  // The request is at fault.
  invalid_request: { status: 400, type: "invalid_request_error" },
  context_length_exceeded: { status: 400, type: "invalid_request_error" },
  template_failed: { status: 400, type: "invalid_request_error" },
  unsupported_schema: { status: 400, type: "invalid_request_error" },
  unauthorized: { status: 401, type: "authentication_error" },
  forbidden: { status: 403, type: "permission_error" },
  not_found: { status: 404, type: "not_found_error" },
  model_not_found: { status: 404, type: "not_found_error" },
  method_not_allowed: { status: 405, type: "invalid_request_error" },
  /** Another turn of the conversation, or another request with the key, is under way. */
  conversation_busy: { status: 409, type: "conflict_error" },
  idempotency_conflict: { status: 409, type: "conflict_error" },
  idempotency_mismatch: { status: 422, type: "invalid_request_error" },
  payload_too_large: { status: 413, type: "invalid_request_error" },
  unsupported_media_type: { status: 415, type: "invalid_request_error" },
  headers_too_large: { status: 431, type: "invalid_request_error" },
  // The server cannot take it now.
  queue_full: { status: 429, type: "rate_limit_error" },
  /** It would start, or answer, later than the client or the operator allows. */
  deadline_unmet: { status: 429, type: "rate_limit_error" },
  cancelled: { status: 499, type: "cancelled_error" },
  client_too_slow: { status: 499, type: "cancelled_error" },
  unavailable: { status: 503, type: "unavailable_error" },
  not_supported: { status: 501, type: "not_supported_error" },
  internal: { status: 500, type: "server_error" },
  /** Workers died with it more than once; it is not tried again. */
  quarantined: { status: 500, type: "server_error" },
  // Files, models, machine and settings; met at start-up or by the command line.
  model_file_invalid: { status: 500, type: "server_error" },
  model_file_changed: { status: 503, type: "unavailable_error" },
  unsupported_architecture: { status: 500, type: "server_error" },
  unsupported_tensor_type: { status: 500, type: "server_error" },
  native_library_missing: { status: 500, type: "server_error" },
  native_library_mismatch: { status: 500, type: "server_error" },
  out_of_memory: { status: 503, type: "unavailable_error" },
  config_invalid: { status: 500, type: "server_error" },
  file_unreadable: { status: 500, type: "server_error" },
  download_failed: { status: 502, type: "server_error" },
  // The durable store.
  storage_full: { status: 507, type: "unavailable_error" },
  storage_corrupt: { status: 500, type: "server_error" },
  storage_unavailable: { status: 503, type: "unavailable_error" },
  storage_version_unsupported: { status: 500, type: "server_error" },
  storage_quota_exceeded: { status: 429, type: "rate_limit_error" },
};

export interface ErrorDetails {
  /** What the caller can do about it. Appended to the message. */
  readonly remedy?: string;
  /** The request field at fault, as OpenAI's `error.param`. */
  readonly param?: string;
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** A failure of the world, not of this program. Safe to show to the client. */
export class LociError extends Error {
  override readonly name = "LociError";
  readonly code: ErrorCode;
  readonly param: string | null;
  readonly remedy: string | null;
  readonly retryAfterSeconds: number | null;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(
      details.remedy ? `${message} ${details.remedy}` : message,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.code = code;
    this.param = details.param ?? null;
    this.remedy = details.remedy ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
  }

  get status(): number {
    return errorTable[this.code].status;
  }

  get type(): string {
    return errorTable[this.code].type;
  }
}

/** Any thrown value as a LociError; what is not one becomes `internal` without its text. */
export function toLociError(error: unknown): LociError {
  if (error instanceof LociError) return error;
  return new LociError("internal", "The server failed to handle the request.", { cause: error });
}
