// The HTTP application: OpenAI's endpoints over a GenerationService. Every request passes the same
// gates in the same order (id, turn on its connection, size of head, host and origin, key) before
// its route is looked at, and every failure leaves in the same shape.

import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import fastifySwagger from "@fastify/swagger";
import { fastify, LogController } from "fastify";
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import { messageRoutes } from "./anthropic/message-routes.ts";
import { ApiKeys } from "./api-keys.ts";
import { BodyReader } from "./body-reader.ts";
import { Connections } from "./connections.ts";
import { installErrors, replyNothingHere } from "./error-replies.ts";
import { parseJsonBody } from "./json-guard.ts";
import { isLoopbackHost, OriginGuard } from "./origin-guard.ts";
import { installGates } from "./gates.ts";
import { newRequestId } from "./request-id.ts";
import { cacheRoutes } from "./routes/cache.ts";
import { chatRoutes } from "./routes/chat.ts";
import { completionRoutes } from "./routes/completions.ts";
import { liveRoutes } from "./routes/live.ts";
import { modelRoutes } from "./routes/models.ts";
import { operationRoutes } from "./routes/operations.ts";
import { pageRoutes } from "./routes/page.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { responseRoutes } from "./routes/responses.ts";
import { storedResponseRoutes } from "./routes/stored-responses.ts";
import { conversationRoutes } from "./routes/conversations.ts";
import type { Routes } from "./routes/routes.ts";
import { dropNulls, validationError } from "./schemas/validation.ts";
import { createServerContext, type ServerContext } from "./server-context.ts";
import type { ServerOptions } from "./server-options.ts";
import { clientErrorAnswer } from "./client-errors.ts";
import { systemEntropy } from "./entropy.ts";
import type { ServerLimits } from "./limits.ts";

export interface LociServer {
  /** For requests in the same process and for further routes before `listen`. */
  readonly app: FastifyInstance;
  /** Resolves with the address, e.g. `http://127.0.0.1:9931`. Port 0 takes any free one. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  /** Takes no new requests, lets running ones end for `graceMs`, then cancels them. */
  close(graceMs?: number): Promise<void>;
  /** Open connections. */
  readonly connections: Connections;
  checkIntegrity(): void;
}

/** Time for the last words of cancelled answers. */
const cutAfterMs = 1000;

export function createServer(options: ServerOptions): LociServer {
  let closing = false;
  const context = createServerContext(options, () => closing);
  const origins = new OriginGuard({
    corsOrigins: options.corsOrigins ?? [],
    allowedHosts: options.allowedHosts ?? [],
  });
  const bodies = new BodyReader(context.limits);
  const app = createApp(options, context.limits);
  const connections = new Connections(app.server);
  installErrors(app, context);
  installBodies(app, bodies, context.limits);
  const keys = new ApiKeys(options.apiKeys ?? []);
  installGates(app, { context, origins, keys });
  const { passThrough, page } = options;
  if (page !== undefined) {
    app.register((scope, _options, done) => {
      pageRoutes(scope.withTypeProvider<TypeBoxTypeProvider>(), page);
      done();
    });
  }
  if (passThrough === undefined) installRoutes(app, context);
  else {
    app.register(async (plain) => {
      const scope = plain.withTypeProvider<TypeBoxTypeProvider>();
      installSchemas(scope);
      operationRoutes(scope, context);
      liveRoutes(scope, context);
      await passThrough(plain, (headers) => keys.tenantOf(headers));
    });
  }
  return {
    app,
    connections,
    listen: ({ host, port }) => {
      // One name must not mean two sockets: limits are set on one.
      const address = host === "localhost" ? "127.0.0.1" : host;
      origins.loopbackOnly = isLoopbackHost(address);
      return app.listen({ host: address, port });
    },
    close: async (graceMs = 0) => {
      closing = true;
      context.hub.close();
      connections.drain();
      const { clock, live } = context;
      const timers = [clock.after(graceMs, () => live.abortAll())];
      timers.push(clock.after(graceMs + cutAfterMs, () => connections.destroyAll()));
      await app.close();
      // Turns in the background have the same time, and each writes down how it ended.
      await context.turns.idle();
      context.turns.close();
      for (const cancel of timers) cancel();
    },
    checkIntegrity: () => {
      bodies.checkIntegrity();
      connections.checkIntegrity();
      context.live.checkIntegrity();
      context.turns.checkIntegrity();
      context.book.checkIntegrity();
      context.conversationNames.checkIntegrity();
      context.hub.checkIntegrity();
    },
  };
}

function createApp(options: ServerOptions, limits: ServerLimits): FastifyInstance {
  const entropy = options.entropy ?? systemEntropy;
  const app = fastify({
    ...loggerOption(options.logger ?? false),
    http: {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    bodyLimit: limits.bodyBytesMax,
    return503OnClosing: false,
    // One line per request is written by the gates.
    logController: new LogController({ disableRequestLogging: true }),
    requestIdHeader: false,
    genReqId: (request) => newRequestId(request.headers, entropy),
    clientErrorHandler: clientErrorAnswer,
    // Addresses that cannot be decoded never reach the gates; they are nothing to everybody.
    frameworkErrors: (_error, request, reply) => replyNothingHere(request, reply),
    routerOptions: { maxParamLength: 512 },
  });
  app.server.maxConnections = limits.connectionsMax;
  // One more than allowed, so that too many can be told from just enough.
  app.server.maxHeadersCount = limits.headersMax + 1;
  return app;
}

function loggerOption(
  logger: FastifyBaseLogger | false,
): { readonly loggerInstance: FastifyBaseLogger } | { readonly logger: false } {
  return logger === false ? { logger: false } : { loggerInstance: logger };
}

function installBodies(app: FastifyInstance, bodies: BodyReader, limits: ServerLimits): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", async (request: FastifyRequest) => {
    const body = parseJsonBody(await bodies.read(request.raw, announcedBytes(request)), limits);
    dropNulls(body);
    return body;
  });
}

/** Zero when the length is not announced; the HTTP parser has checked its form. */
function announcedBytes(request: FastifyRequest): number {
  return Number(request.headers["content-length"] ?? 0);
}

function installSchemas(app: Pick<Routes, "setValidatorCompiler" | "setSerializerCompiler">): void {
  app.setValidatorCompiler<TSchema>(({ schema }) => (value) => {
    const error = validationError(schema, value);
    return error === null ? { value } : { error };
  });
  // Answers are built by our own code; the schemas only describe them.
  app.setSerializerCompiler(() => JSON.stringify);
}

function installRoutes(app: FastifyInstance, context: ServerContext): void {
  installSchemas(app.withTypeProvider<TypeBoxTypeProvider>());
  app.register(fastifySwagger, {
    // The rest of a path is a parameter to readers; to the router it is a wildcard.
    transform: ({ schema, url }) => ({ schema, url: url.replace("*", ":id") }),
    openapi: {
      openapi: "3.1.0",
      info: { title: "loci", version: context.version },
      components: {
        securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      },
      security: [{ bearer: [] }],
    },
  });
  app.register((plain, _options, done) => {
    const scope = plain.withTypeProvider<TypeBoxTypeProvider>();
    chatRoutes(scope, context);
    completionRoutes(scope, context);
    messageRoutes(scope, context);
    responseRoutes(scope, context);
    storedResponseRoutes(scope, context);
    conversationRoutes(scope, context);
    modelRoutes(scope, context);
    tokenRoutes(scope, context);
    cacheRoutes(scope, context);
    operationRoutes(scope, context);
    liveRoutes(scope, context);
    done();
  });
}
