// Captures of this process and, over their endpoints, of the workers behind it.

import { Client } from "undici";
import { systemClock, LociError } from "@loci/core";
import { parseWorkerAddress } from "@loci/cluster";
import type { Cluster, ClusterKey, WorkerApp } from "@loci/cluster";
import type { DebugCaptures } from "@loci/server";
import { ProcessCaptures } from "@loci/telemetry";
import type { Readable } from "node:stream";

/** Of a router's process; a worker's are asked of it with the cluster's key. */
export function routerCaptures(cluster: Cluster, key: ClusterKey | null): DebugCaptures {
  const own = new ProcessCaptures(systemClock);
  const ask = (worker: string, path: string, signal: AbortSignal): Promise<Readable | null> => {
    const known = cluster.table.get(worker);
    if (known === null) return Promise.resolve(null);
    return askWorker(known.link.url, { path, key, signal });
  };
  return {
    profile: async (seconds, worker, signal) =>
      worker === null
        ? own.profile(seconds, signal)
        : ask(worker, `/worker/debug/profile?seconds=${seconds}`, signal),
    heap: async (worker, signal) =>
      worker === null ? own.heap() : ask(worker, "/worker/debug/heap", signal),
  };
}

/** Where one process does everything. */
export function ownCaptures(): DebugCaptures {
  const own = new ProcessCaptures(systemClock);
  return {
    profile: async (seconds, worker, signal) =>
      worker === null ? own.profile(seconds, signal) : null,
    heap: async (worker) => (worker === null ? own.heap() : null),
  };
}

/** The endpoints that a router asks; behind the worker's own gate. */
export function addWorkerCaptures({ app }: Pick<WorkerApp, "app">): void {
  const own = new ProcessCaptures(systemClock);
  app.get<{ Querystring: { readonly seconds?: string } }>(
    "/worker/debug/profile",
    async ({ query }, reply) => {
      const gone = new AbortController();
      reply.raw.once("close", () => gone.abort());
      const profile = await own.profile(Number(query.seconds), gone.signal);
      return reply.type("application/json").send(profile);
    },
  );
  app.get("/worker/debug/heap", (_request, reply) =>
    reply.type("application/json").send(own.heap()),
  );
}

interface WorkerAsk {
  readonly path: string;
  readonly key: ClusterKey | null;
  readonly signal: AbortSignal;
}

/** Longer than a profile takes. */
const answerMsMax = 90_000;

async function askWorker(url: string, { path, key, signal }: WorkerAsk): Promise<Readable> {
  const address = parseWorkerAddress(url);
  const client = new Client(address.origin, {
    headersTimeout: answerMsMax,
    bodyTimeout: answerMsMax,
    connect: { ...(address.socketPath !== null && { socketPath: address.socketPath }) },
  });
  try {
    const { statusCode, body } = await client.request({
      method: "GET",
      path,
      headers: key === null ? {} : { authorization: key.authorization },
      signal,
    });
    body.once("close", () => void client.close());
    if (statusCode === 200) return body;
    body.destroy();
    throw refusal(statusCode);
  } catch (error) {
    void client.destroy();
    if (error instanceof LociError) throw error;
    throw new LociError("unavailable", "The worker does not answer.", { cause: error });
  }
}

function refusal(status: number): LociError {
  if (status === 429) {
    return new LociError("queue_full", "Another capture of this worker is under way.");
  }
  if (status === 400) {
    return new LociError("invalid_request", "A profile takes up to 60 seconds.", {
      param: "seconds",
    });
  }
  return new LociError("not_supported", `The worker gives no captures (${status}).`);
}
