// The operator's listener: who is in the cluster, why a request went where it went, and sending a
// worker home. It listens on loopback only, on a port of its own, so that no client of the API ever
// reaches it; with API keys set it asks for one of them, too.
//
//   GET  /admin/cluster               workers, what they do, what the router has done
//   GET  /admin/placements/:request   the prices of a recent request's workers, by their terms
//   POST /admin/workers/:worker/drain the worker takes nothing new and ends when it is done
//   GET  /admin/debug/…               captures: see debug-routes.ts

import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { LociError, toLociError } from "@loci/core";
import type { ClusterAdmin } from "@loci/core";
import { ApiKeys } from "../api-keys.ts";
import { errorBody } from "../error-body.ts";
import { isLoopbackHost } from "../origin-guard.ts";
import { addDebugRoutes, type DebugCaptures } from "./debug-routes.ts";

export interface AdminOptions {
  /** Null where there is no cluster. */
  readonly admin: ClusterAdmin | null;
  readonly captures: DebugCaptures;
  /** Plain keys; empty: none is asked for. */
  readonly apiKeys: readonly string[];
}

export interface AdminServer {
  readonly app: FastifyInstance;
  /** Resolves with the address. LociError config_invalid for a host that others can reach. */
  listen(address: { readonly host: string; readonly port: number }): Promise<string>;
  close(): Promise<void>;
}

const nameCharsMax = 256;
const connectionsMax = 32;

export function createAdmin({ admin, captures, apiKeys }: AdminOptions): AdminServer {
  const app = fastify({
    logger: false,
    bodyLimit: 1024,
    requestTimeout: 10_000,
    routerOptions: { maxParamLength: nameCharsMax },
  });
  app.server.maxConnections = connectionsMax;
  const keys = new ApiKeys(apiKeys);
  app.addHook("onRequest", (request, _reply, done) => {
    // A page in a browser that was led here by a name of its own has no business here.
    const host = request.headers.host?.replace(/:\d+$/, "") ?? "";
    if (!isLoopbackHost(host) || request.headers.origin !== undefined) {
      done(new LociError("forbidden", "The admin listener is for this machine's programs."));
      return;
    }
    keys.tenantOf(request.headers);
    done();
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = toLociError(thrown);
    reply.code(error.status).send(errorBody(error, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    const error = new LociError("not_found", "There is nothing at this address.");
    reply.code(error.status).send(errorBody(error, request.id));
  });
  if (admin !== null) addRoutes(app, admin);
  addDebugRoutes(app, captures);
  return {
    app,
    listen: async (address) => {
      if (isLoopbackHost(address.host)) return app.listen(address);
      throw new LociError("config_invalid", `The admin listener may not be at ${address.host}.`, {
        remedy: "It listens on loopback only.",
      });
    },
    close: async () => {
      app.server.closeAllConnections();
      await app.close();
    },
  };
}

function addRoutes(app: FastifyInstance, admin: ClusterAdmin): void {
  app.get("/admin/cluster", () => admin.cluster());
  app.get<{ Params: { request: string } }>("/admin/placements/:request", ({ params }) => {
    const placement = admin.placement(params.request);
    if (placement !== null) return placement;
    throw new LociError("not_found", "That request's placement is not remembered.");
  });
  app.post<{ Params: { worker: string } }>("/admin/workers/:worker/drain", ({ params }) =>
    drain(admin, params.worker),
  );
}

async function drain(admin: ClusterAdmin, worker: string): Promise<object> {
  if (await admin.drain(worker)) return { worker, draining: true };
  throw new LociError("not_found", `There is no worker '${worker}'.`);
}
