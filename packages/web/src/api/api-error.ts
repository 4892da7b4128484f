// A failed call as the page shows it: what happened, and what one can do about it.

export type FailureKind = "network" | "refused" | "server";

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly kind: FailureKind;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** The server's code, such as "queue_full"; "network" when there was no answer. */
  readonly code: string;
  readonly remedy: string | null;

  constructor(
    message: string,
    facts: { kind: FailureKind; status: number; code: string; remedy?: string; cause?: unknown },
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.kind = facts.kind;
    this.status = facts.status;
    this.code = facts.code;
    this.remedy = facts.remedy ?? null;
  }
}

/** No answer came. */
export function networkError(cause: unknown): ApiError {
  return new ApiError("The server cannot be reached.", {
    kind: "network",
    status: 0,
    code: "network",
    remedy: "Check that it runs and that you are connected, then try again.",
    cause,
  });
}

/** The error that an answer's body tells; `body` is its text. */
export function answeredError(status: number, body: string): ApiError {
  const { message, code } = toldError(body);
  const remedy = remedies[code] ?? remedies[String(status)];
  return new ApiError(message ?? `The server answered with status ${status}.`, {
    kind: status >= 500 ? "server" : "refused",
    status,
    code: code === "" ? `http_${status}` : code,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** Anything thrown, as a failure that can be shown. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new ApiError(`The page failed: ${message}`, {
    kind: "server",
    status: 0,
    code: "page",
    remedy: "Reload the page.",
    cause: thrown,
  });
}

/** True for what a stop of our own causes. */
export function isAbort(thrown: unknown): boolean {
  return thrown instanceof DOMException && thrown.name === "AbortError";
}

/** By code or status, where the server's own words name no way out. */
const remedies: Readonly<Record<string, string>> = {
  "401": "Enter a valid API key.",
  "413": "Send less text.",
  queue_full: "The server is busy; try again in a moment.",
  conversation_busy: "Wait for the answer under way, or stop it.",
  context_length_exceeded: "Begin a new conversation, or branch from an earlier turn.",
  not_found: "It may have been deleted elsewhere; reload the list.",
};

interface ToldError {
  readonly message: string | null;
  readonly code: string;
}

function toldError(body: string): ToldError {
  try {
    const parsed: { readonly error?: { message?: unknown; code?: unknown } } = JSON.parse(body);
    const { message, code } = parsed.error ?? {};
    return {
      message: typeof message === "string" ? message : null,
      code: typeof code === "string" ? code : "",
    };
  } catch {
    return { message: null, code: "" };
  }
}
