// The gates before every route, known or not. Nothing about a route is revealed, and no body byte
// is read, before all of them are passed.

import { LociError } from "@loci/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ApiKeys } from "./api-keys.ts";
import type { OriginGuard } from "./origin-guard.ts";
import { PipelineGuard } from "./pipeline-guard.ts";
import type { ServerContext } from "./server-context.ts";
import { cutWhenStalled, inPieces } from "./stalled-reader.ts";

export interface GateParts {
  readonly context: ServerContext;
  readonly origins: OriginGuard;
  readonly keys: ApiKeys;
}

export function installGates(app: FastifyInstance, parts: GateParts): void {
  const { context, origins } = parts;
  const pipeline = new PipelineGuard(context.limits.pipelinedMax);
  app.decorateRequest("tenant", "");
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
    if (context.isClosing()) reply.header("connection", "close");
    await pipeline.turn(request.raw, reply.raw);
    requireSmallHead(request, context.limits.headersMax);
    requireOneHost(request);
    origins.check(request.headers);
    allowOrigin(request, reply, origins);
    if (isPreflight(request)) {
      answerPreflight(reply);
      return reply;
    }
    request.tenant = tenantOf(request, parts);
    requirePlainBody(request);
    return undefined;
  });
  app.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "unknown";
    const status = reply.raw.statusCode;
    context.metrics.response(route, status);
    // Probes come every few seconds and say nothing.
    const level = request.routeOptions.config.open === true ? "debug" : "info";
    request.log[level]({ route, status, ms: Math.round(reply.elapsedTime) }, "request");
    done();
  });
  app.addHook("onSend", (_request, reply, payload, done) => {
    cutWhenStalled(reply.raw, context.clock, context.limits.slowReaderMs);
    const body = inPieces(payload);
    // The length of a stream is told by its chunks.
    if (body !== payload) reply.removeHeader("content-length");
    done(null, body);
  });
}

/** Two Host headers may mean two things to two readers. */
function requireOneHost(request: FastifyRequest): void {
  const { rawHeaders } = request.raw;
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length > 1) throw new LociError("invalid_request", "More than one Host header.");
}

function requireSmallHead(request: FastifyRequest, headersMax: number): void {
  if (request.raw.rawHeaders.length / 2 <= headersMax) return;
  throw new LociError("headers_too_large", `A request has at most ${headersMax} headers.`);
}

/** Open routes ask for no key; an unknown address is never open. */
function tenantOf(request: FastifyRequest, parts: GateParts): string {
  const open = !request.is404 && request.routeOptions.config.open === true;
  return open ? "" : parts.keys.tenantOf(request.headers);
}

function requirePlainBody(request: FastifyRequest): void {
  const encoding = request.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity") return;
  throw new LociError("unsupported_media_type", "Encoded bodies are not accepted.", {
    remedy: "Send it without content-encoding.",
  });
}

/** Anthropic's clients look for the request's id without the x. */
const exposedHeaders = "x-request-id, request-id, retry-after, idempotent-replayed";

function allowOrigin(request: FastifyRequest, reply: FastifyReply, origins: OriginGuard): void {
  const { origin } = request.headers;
  if (origin === undefined || !origins.allowsOrigin(origin)) return;
  reply.header("access-control-allow-origin", origin);
  reply.header("access-control-expose-headers", exposedHeaders);
  reply.header("vary", "origin");
}

function isPreflight(request: FastifyRequest): boolean {
  const { origin, "access-control-request-method": method } = request.headers;
  return request.method === "OPTIONS" && origin !== undefined && method !== undefined;
}

function answerPreflight(reply: FastifyReply): void {
  reply.header("access-control-allow-methods", "GET, POST, DELETE");
  // OpenAI's clients send a dozen x-stainless headers, so all names are allowed by reflection.
  const asked = reply.request.headers["access-control-request-headers"];
  if (asked !== undefined) reply.header("access-control-allow-headers", asked);
  reply.header("access-control-max-age", "600");
  reply.code(204).send();
}
