// The routes of OpenAI and Anthropic of a router that knows no vocabulary: bodies and answers pass through as they
// are, to the engine that has most of the text's beginning and least to do.
//
//   POST /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses
//   POST /v1/messages, /v1/messages/count_tokens
//   GET, DELETE /v1/responses/:id, POST /v1/responses/:id/cancel, GET …/input_items: where it is kept
//   GET /v1/models: of all engines

import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { RequestsPort } from "@loci/cluster";
import { LociError, toLociError } from "@loci/core";
import type { Clock } from "@loci/core";
import type { RouteRequest, WorkerFacts } from "@loci/router";
import type { PassedCall } from "../http/engine-http.ts";
import { parseJson } from "../http/fields.ts";
import { ClientAnswer } from "./client-answer.ts";
import { requestHeaders } from "./passed-headers.ts";
import { passRequest } from "./passed-request.ts";
import type { TextUpstreams } from "./passed-request.ts";
import { ResponseHomes } from "./response-homes.ts";
import { textFacts } from "./text-words.ts";

export interface TextProxyOptions {
  readonly router: RequestsPort;
  readonly upstreams: TextUpstreams;
  /** Those who are there, for the list of models. */
  readonly workers: () => Iterable<WorkerFacts>;
  readonly clock: Clock;
  /** Who asks: what limits count against. Throws `unauthorized`. Default: everybody may. */
  readonly payerOf?: (headers: IncomingHttpHeaders) => string;
  readonly bodyBytesMax?: number;
  /** A client that takes nothing for so long is cut off. */
  readonly slowReaderMs?: number;
}

const bodyBytesMaxDefault = 32 << 20;
const slowReaderMsDefault = 30_000;
const idCharsMax = 256;
/** Headers that name a conversation, in the order in which they count. */
const sessionHeaders = [
  "x-session-id",
  "session-id",
  "x-claude-code-session-id",
  "x-dynamo-session-id",
  "x-litellm-session-id",
  "x-smg-routing-key",
  "x-aibrix-session-key",
] as const;

const textRoutes = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/responses",
  "/v1/messages",
  "/v1/messages/count_tokens",
] as const;

/** Registers the routes in a scope of their own: bodies of `app`'s other routes are not affected. */
export async function registerTextProxy(
  app: FastifyInstance,
  options: TextProxyOptions,
): Promise<void> {
  await app.register(async (scope) => {
    const proxy = new TextProxy(options);
    const bodyLimit = options.bodyBytesMax ?? bodyBytesMaxDefault;
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser("*", { parseAs: "buffer", bodyLimit }, (_request, body, done) =>
      done(null, body),
    );
    scope.setErrorHandler((error, _request, reply) => sendError(reply, error));
    for (const url of textRoutes) scope.post(url, { bodyLimit }, proxy.handle);
    scope.get("/v1/responses/:id", proxy.handle);
    scope.delete("/v1/responses/:id", proxy.handle);
    scope.get("/v1/responses/:id/input_items", proxy.handle);
    scope.post("/v1/responses/:id/cancel", { bodyLimit }, proxy.handle);
    scope.get("/v1/models", (request) => {
      options.payerOf?.(request.headers);
      return { object: "list", data: models(options.workers()) };
    });
    await Promise.resolve();
  });
}

class TextProxy {
  readonly #options: TextProxyOptions;
  readonly #homes = new ResponseHomes();

  constructor(options: TextProxyOptions) {
    this.#options = options;
  }

  readonly handle = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { router, upstreams, clock, slowReaderMs = slowReaderMsDefault } = this.#options;
    const payer = this.#options.payerOf?.(request.headers) ?? "";
    const body = request.body instanceof Uint8Array ? request.body : null;
    const route = this.#routeOf(request, body, payer);
    reply.hijack();
    const answer = new ClientAnswer(reply.raw, clock, slowReaderMs);
    try {
      const call = { ...callOf(request), body };
      const parts = { router, upstreams, clock, route, call, signal: answer.left };
      const { workerId, scanned } = await passRequest(parts, answer);
      if (scanned.responseId !== null) this.#homes.put(scanned.responseId, workerId);
      answer.end();
    } catch (error) {
      answer.fail(toLociError(error));
    }
  };

  #isListed(model: string | null): boolean {
    for (const facts of this.#options.workers()) if (facts.model === model) return true;
    return false;
  }

  #routeOf(request: FastifyRequest, body: Uint8Array | null, payer: string): RouteRequest {
    const facts = textFacts(body === null ? null : parseJson(new TextDecoder().decode(body)));
    const { sessionName, temperature } = facts;
    // A name that no engine lists (an adapter's, or any where engines take any) is theirs to judge.
    const model = this.#isListed(facts.model) ? facts.model : null;
    const session = sessionName ?? headerSession(request.headers);
    const home = this.#homes.of(facts.previousResponseId ?? idOf(request));
    return {
      id: randomUUID(),
      // Engines share their cache between all who ask them.
      tenant: "",
      payer,
      promptTokens: facts.promptTokens,
      maxTokens: facts.maxTokens,
      ...(model === null ? {} : { model }),
      ...(temperature === null ? {} : { temperature }),
      ...(session === null ? {} : { sessionKey: `${payer}:${session.slice(0, idCharsMax)}` }),
      ...(home === null ? {} : { onlyWorkerId: home }),
    };
  }
}

/** The path is one of ours, the id in it a plain word: nothing else of an engine can be reached. */
function callOf(request: FastifyRequest): Omit<PassedCall, "signal" | "body"> {
  const [path = "/", query] = request.url.split("?", 2);
  const id = idOf(request);
  if (id !== null && !/^[\w-]+$/.test(id)) {
    throw new LociError("not_found", "There is no such response.");
  }
  const method = request.method === "GET" || request.method === "DELETE" ? request.method : "POST";
  return {
    method,
    path: query === undefined ? path : `${path}?${query}`,
    headers: requestHeaders(request.headers),
  };
}

function idOf({ params }: FastifyRequest): string | null {
  const hasId = typeof params === "object" && params !== null && "id" in params;
  return hasId && typeof params.id === "string" ? params.id.slice(0, idCharsMax) : null;
}

function headerSession(headers: IncomingHttpHeaders): string | null {
  for (const name of sessionHeaders) {
    const value = headers[name];
    if (typeof value === "string" && value !== "") return value;
  }
  return null;
}

function models(workers: Iterable<WorkerFacts>): readonly unknown[] {
  const names = new Set(Array.from(workers, ({ model }) => model));
  return Array.from(names, (id) => ({ id, object: "model", created: 0, owned_by: "loci" }));
}

function sendError(reply: FastifyReply, thrown: unknown): void {
  const status =
    typeof thrown === "object" && thrown !== null && "statusCode" in thrown
      ? thrown.statusCode
      : null;
  const error =
    status === 413
      ? new LociError("payload_too_large", "The body is too large.")
      : toLociError(thrown);
  void reply.code(error.status).send({
    error: { message: error.message, type: error.type, param: error.param, code: error.code },
  });
}
