// Where thrown errors become HTTP answers.

import { LociError } from "@loci/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { asLociError, errorBody } from "./error-body.ts";
import type { ServerContext } from "./server-context.ts";

export function installErrors(app: FastifyInstance, context: ServerContext): void {
  app.setErrorHandler((thrown: unknown, request, reply) => {
    replyWithError(context, request, reply, asLociError(thrown));
  });
  app.setNotFoundHandler((request, reply) => {
    replyWithError(context, request, reply, nothingHere(app, request, reply));
  });
}

/** The answer to an address that cannot even be decoded. */
export function replyNothingHere(request: FastifyRequest, reply: FastifyReply): void {
  const error = new LociError("not_found", "There is nothing at this address.");
  reply.code(error.status).send(errorBody(error, request.id));
}

function nothingHere(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
): LociError {
  const [path = ""] = request.url.split("?");
  const methods = (["GET", "POST", "DELETE"] as const).filter((method) =>
    app.hasRoute({ method, url: path }),
  );
  if (methods.length === 0) return new LociError("not_found", "There is nothing at this address.");
  reply.header("allow", methods.join(", "));
  return new LociError("method_not_allowed", `Use ${methods.join(" or ")} here.`);
}

function replyWithError(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: LociError,
): void {
  const failure: ErrorReply = { status: error.status, body: errorBody(error, request.id) };
  replyWithFailure(context, reply, error, failure);
}

/** A failure in the form of one API. */
export interface ErrorReply {
  readonly status: number;
  readonly body: unknown;
}

/** Answers with `failure`, which tells `error`; logs what is our own fault. */
export function replyWithFailure(
  context: ServerContext,
  reply: FastifyReply,
  error: LociError,
  failure: ErrorReply,
): void {
  const { request } = reply;
  if (error.code === "internal") request.log.error({ err: error.cause }, "a request failed");
  const retryAfterSeconds = retryAfter(context, error);
  if (retryAfterSeconds !== null) reply.header("retry-after", String(retryAfterSeconds));
  if (error.code === "unauthorized") reply.header("www-authenticate", "Bearer");
  reply.code(failure.status).send(failure.body);
}

const retrySecondsMax = 60;

/** For what may work later: the error's own advice, or the time until a place is expected. */
function retryAfter(context: ServerContext, error: LociError): number | null {
  const mayWorkLater = error.code === "queue_full" || error.code === "unavailable";
  if (!mayWorkLater && error.retryAfterSeconds === null) return null;
  const seconds = error.retryAfterSeconds ?? context.service.snapshot().waitSecondsExpected;
  const bounded = Number.isFinite(seconds) ? Math.min(seconds, retrySecondsMax) : retrySecondsMax;
  return Math.max(1, Math.ceil(bounded));
}
