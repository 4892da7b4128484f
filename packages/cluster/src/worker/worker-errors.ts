// Every failure of a worker's endpoint leaves in one shape, without the text of what was thrown.

import type { FastifyInstance } from "fastify";
import { LociError, toLociError } from "@loci/core";
import { WireError } from "../wire/wire-error.ts";
import { encodeError } from "../wire/generation-lines.ts";

export function installWorkerErrors(app: FastifyInstance, onError: (error: unknown) => void): void {
  app.setErrorHandler((thrown, _request, reply) => {
    const error = workerErrorOf(thrown);
    if (error.code === "internal") onError(thrown);
    return reply.code(error.status).type("application/json").send(encodeError(error));
  });
  app.setNotFoundHandler((_request, reply) => {
    const error = new LociError("not_found", "There is nothing at this address.");
    return reply.code(error.status).type("application/json").send(encodeError(error));
  });
}

/** What a router is told of something that was thrown. */
export function workerErrorOf(thrown: unknown): LociError {
  if (thrown instanceof WireError) return new LociError("invalid_request", `${thrown.message}.`);
  const status = statusOf(thrown);
  if (status === 413) return new LociError("payload_too_large", "The body is too large.");
  if (status === 415) return new LociError("unsupported_media_type", "Bodies are JSON here.");
  if (status >= 400 && status < 500)
    return new LociError("invalid_request", "The body is not valid.");
  return toLociError(thrown);
}

/** What Fastify itself says of a request that it did not take. */
function statusOf(thrown: unknown): number {
  if (thrown instanceof LociError || typeof thrown !== "object" || thrown === null) return 0;
  return "statusCode" in thrown && typeof thrown.statusCode === "number" ? thrown.statusCode : 0;
}
