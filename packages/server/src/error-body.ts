// The one shape in which every failure leaves the server, OpenAI's. Only LociError texts are
// shown; anything else becomes a fixed sentence with the request id.

import { LociError, toLociError } from "@loci/core";

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** What the client sees of `error`. */
export function errorBody(error: LociError, requestId: string): ErrorBody {
  const message = error.code === "internal" ? internalText(requestId) : error.message;
  return { error: { message, type: error.type, param: error.param, code: error.code } };
}

function internalText(requestId: string): string {
  return `The server failed to handle the request (request id ${requestId}).`;
}

interface FrameworkError {
  readonly code?: unknown;
  readonly statusCode?: unknown;
}

/** Any thrown value as a LociError; the HTTP framework's own errors by their code. */
export function asLociError(thrown: unknown): LociError {
  if (thrown instanceof LociError) return thrown;
  const { code, statusCode } = (thrown ?? {}) as FrameworkError;
  const known = typeof code === "string" ? frameworkErrors[code] : undefined;
  if (known !== undefined) return known();
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new LociError("invalid_request", "The request could not be read.", { cause: thrown });
  }
  return toLociError(thrown);
}

const frameworkErrors: Readonly<Record<string, () => LociError>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: unsupportedMediaType,
  FST_ERR_CTP_EMPTY_TYPE: unsupportedMediaType,
};

function unsupportedMediaType(): LociError {
  return new LociError("unsupported_media_type", "The body must be JSON.", {
    remedy: "Send the header 'content-type: application/json'.",
  });
}
