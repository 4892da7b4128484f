// A worker's endpoints over its engine. Everything but the probes needs the cluster's key, and no byte of
// a body is read before it was seen.
//
//   POST /worker/generate   a request; its events as lines
//   GET  /worker/trunk      upgraded to a connection for many requests and their events
//   GET  /worker/events     who the worker is, what it holds, how it does; a line every half second
//   GET  /worker/snapshot   all that it holds
//   POST /worker/chains, match, forget, erase    its cache
//   POST /worker/blocks, fetch    contents of blocks, for another worker and from one
//   GET  /worker/observe, story   what it does, for whoever looks on
//   POST /worker/drain      take nothing new
//   GET  /live, /ready      for whoever watches the process

import { isIP } from "node:net";
import { fastify, LogController } from "fastify";
import type { FastifyInstance } from "fastify";
import { LociError } from "@loci/core";
import type { Clock, GenerationRequest, WorkerService } from "@loci/core";
import type { WorkerFacts } from "@loci/router";
import type { AddressPolicy } from "../address/address-policy.ts";
import type { ClusterKey } from "../cluster-key.ts";
import { bodyBounds } from "../wire/generation-body.ts";
import { BlockFetcher } from "./block-fetcher.ts";
import { cacheRoutes } from "./cache-routes.ts";
import { ExportActivity } from "./export-activity.ts";
import { feedRoutes } from "./feed-routes.ts";
import { generateRoute } from "./generate-route.ts";
import { LiveStreams } from "./live-streams.ts";
import { observeRoutes } from "./observe-routes.ts";
import { installTrunk } from "./trunk-route.ts";
import type { WorkerContext } from "./worker-context.ts";
import { installWorkerErrors } from "./worker-errors.ts";
import type { WorkerFeed } from "./worker-feed.ts";
import { workerLimitDefaults } from "./worker-limits.ts";
import type { WorkerLimits } from "./worker-limits.ts";
import { WorkerReporter } from "./worker-reporter.ts";

const openRoutes: ReadonlySet<string> = new Set(["/live", "/ready"]);

export interface WorkerAppOptions {
  /** Not closed here. */
  readonly service: WorkerService;
  readonly facts: WorkerFacts;
  readonly clock: Clock;
  /** Null only where nobody but this machine can connect. */
  readonly key: ClusterKey | null;
  /** Other workers from which blocks may be fetched; null or absent: none. */
  readonly peers?: AddressPolicy | null;
  readonly limits?: Partial<WorkerLimits>;
  /** Throws LociError for a request that the engine must not see, such as an unsafe grammar. */
  readonly check?: (request: GenerationRequest) => void;
  /** False while the model loads, and when the engine has broken down. */
  readonly ready?: () => boolean;
  /** A router asked the worker to end, or `drain` was called; told once. */
  readonly onDrain?: () => void;
  /**
   * The engine has stood still for too long: its answers were given up, and the process should end.
   * Told once.
   */
  readonly onStuck?: () => void;
  readonly onError?: (error: unknown) => void;
}

/** Where a worker listens; port 0 takes any free one. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string };

export interface WorkerApp {
  /** For requests in the same process. */
  readonly app: FastifyInstance;
  /** For other carriers of the worker's news, such as NATS. */
  readonly feed: WorkerFeed;
  /** Resolves with the worker's address. Throws config_invalid for an open door without a key. */
  listen(address: ListenAddress): Promise<string>;
  /** Takes nothing new; readiness is false at once. */
  drain(): void;
  /** Resolves when no answer is under way. */
  idle(): Promise<void>;
  /** Lets answers end for `graceMs`, then cuts them and every connection. */
  close(graceMs?: number): Promise<void>;
  checkIntegrity(): void;
}

export function createWorkerApp(options: WorkerAppOptions): WorkerApp {
  const context = createContext(options);
  const { reporter, answers, eventStreams, trunks, fetcher, clock, limits } = context;
  const app = createApp(limits);
  installWorkerErrors(app, context.onError);
  installGate(app, options.key);
  installRoutes(app, context);
  installTrunk(app.server, context, options.key);
  return {
    app,
    feed: reporter,
    listen: async (address) => {
      requireClosedDoor(address, options.key);
      if ("socketPath" in address) {
        await app.listen({ path: address.socketPath });
        return `unix://${address.socketPath}`;
      }
      return app.listen(address);
    },
    drain: context.drain,
    idle: () => answers.idle(),
    close: async (graceMs = 0) => {
      context.drain();
      const cancel = clock.after(graceMs, () => answers.destroyAll());
      if (graceMs > 0) await endOf(context, graceMs);
      cancel();
      answers.destroyAll();
      eventStreams.destroyAll();
      trunks.destroyAll();
      reporter.close();
      await fetcher.close();
      app.server.closeAllConnections();
      await app.close();
    },
    checkIntegrity: () => {
      answers.checkIntegrity();
      eventStreams.checkIntegrity();
      reporter.checkIntegrity();
    },
  };
}

/** Answers have ended, and nobody takes blocks any more. */
async function endOf(context: WorkerContext, graceMs: number): Promise<void> {
  const { answers, exports, eventStreams, service, facts, clock, limits } = context;
  const sinceMs = clock.nowMs();
  await answers.idle();
  const isOfUse = service.exchange !== null && facts.fingerprint !== "" && eventStreams.size > 0;
  if (isOfUse) await exports.quiet(limits.lingerMs, graceMs - (clock.nowMs() - sinceMs));
}

function createContext(options: WorkerAppOptions): WorkerContext {
  const { service, facts, clock, key, peers = null } = options;
  const limits = { ...workerLimitDefaults, ...options.limits };
  const answers = new LiveStreams(limits.answersMax);
  const { fetchMsMax } = limits;
  const { fingerprint } = facts;
  const fetcher = new BlockFetcher({ service, fingerprint, peers, key, clock, fetchMsMax });
  const reporter = new WorkerReporter({
    ...limits,
    service,
    facts,
    clock,
    fetchSecondsPerBlock: () => fetcher.secondsPerBlock,
    onStuck: () => {
      // Routers take these answers elsewhere.
      answers.destroyAll();
      options.onStuck?.();
    },
  });
  const isReady = options.ready ?? ((): boolean => true);
  return {
    service,
    facts,
    clock,
    limits,
    reporter,
    answers,
    eventStreams: new LiveStreams(limits.eventStreamsMax),
    trunks: new LiveStreams(limits.eventStreamsMax),
    fetcher,
    exports: new ExportActivity(clock),
    check: options.check ?? ((): undefined => undefined),
    ready: () => isReady() && !reporter.isStuck,
    drain: () => {
      if (reporter.isDraining) return;
      reporter.drain();
      options.onDrain?.();
    },
    onError: options.onError ?? (() => undefined),
  };
}

function createApp({ connectionsMax, requestTimeoutMs }: WorkerLimits): FastifyInstance {
  const app = fastify({
    logger: false,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBounds.bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    // Longer than a link's, which therefore closes first.
    keepAliveTimeout: 60_000,
    return503OnClosing: false,
    http: { keepAlive: true, keepAliveInitialDelay: 10_000, headersTimeout: 10_000 },
  });
  app.server.maxConnections = connectionsMax;
  app.removeContentTypeParser("text/plain");
  return app;
}

function installGate(app: FastifyInstance, key: ClusterKey | null): void {
  app.addHook("onRequest", (request, _reply, done) => {
    const isOpen = openRoutes.has(request.routeOptions.url ?? "");
    if (isOpen || key === null || key.matches(request.headers.authorization)) done();
    else done(new LociError("unauthorized", "This is a worker; it needs its cluster's key."));
  });
}

function installRoutes(app: FastifyInstance, context: WorkerContext): void {
  generateRoute(app, context);
  feedRoutes(app, context);
  cacheRoutes(app, context);
  observeRoutes(app, context);
  app.post("/worker/drain", () => {
    context.drain();
    return {};
  });
  app.get("/live", (_request, reply) => {
    const { isStuck } = context.reporter;
    reply.code(isStuck ? 503 : 200);
    return { status: isStuck ? "stuck" : "live" };
  });
  app.get("/ready", (_request, reply) => {
    const isReady = context.ready() && !context.reporter.isDraining;
    reply.code(isReady ? 200 : 503);
    return { status: isReady ? "ready" : "not ready" };
  });
}

function requireClosedDoor(address: ListenAddress, key: ClusterKey | null): void {
  if (key !== null || "socketPath" in address) return;
  const { host } = address;
  const isLoopback =
    host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (isLoopback) return;
  throw new LociError("config_invalid", `A worker at ${host} needs a cluster key.`, {
    remedy: "Set --cluster-key-file, or listen on 127.0.0.1.",
  });
}
