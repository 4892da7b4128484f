// Captures of a running process for its operator: where its time goes, what its memory holds.
//
//   GET /admin/debug/profile?seconds=10[&worker=ID]   a .cpuprofile
//   GET /admin/debug/heap[?worker=ID]                 a .heapsnapshot; holds what clients wrote

import type { Readable } from "node:stream";
import { LociError } from "@loci/core";
import type { FastifyInstance, FastifyReply } from "fastify";

/** Of this process, or of a worker's; null where there is no worker of that name. */
export interface DebugCaptures {
  /** LociError invalid_request for too many seconds, queue_full while another is under way. */
  profile(seconds: number, worker: string | null, signal: AbortSignal): Promise<Readable | null>;
  heap(worker: string | null, signal: AbortSignal): Promise<Readable | null>;
}

interface DebugQuery {
  readonly seconds?: string;
  readonly worker?: string;
}

const secondsDefault = 10;

export function addDebugRoutes(app: FastifyInstance, captures: DebugCaptures): void {
  app.get<{ Querystring: DebugQuery }>("/admin/debug/profile", async ({ query }, reply) => {
    const { seconds, worker = null } = query;
    const wanted = seconds === undefined ? secondsDefault : Number(seconds);
    const profile = await captures.profile(wanted, worker, goneSignal(reply));
    return send(reply, profile, { worker, suffix: "cpuprofile" });
  });
  app.get<{ Querystring: DebugQuery }>("/admin/debug/heap", async ({ query }, reply) => {
    const { worker = null } = query;
    const heap = await captures.heap(worker, goneSignal(reply));
    return send(reply, heap, { worker, suffix: "heapsnapshot" });
  });
}

interface CaptureName {
  readonly worker: string | null;
  readonly suffix: string;
}

function send(
  reply: FastifyReply,
  capture: Readable | null,
  { worker, suffix }: CaptureName,
): FastifyReply {
  if (capture === null) throw new LociError("not_found", "There is no worker of that name.");
  // A worker's id may be anything; a file's name may not.
  const name = (worker ?? "server").replaceAll(/[^\w.-]/g, "_");
  reply.header("content-disposition", `attachment; filename="loci-${name}.${suffix}"`);
  return reply.type("application/json").send(capture);
}

/** Aborted when the one who asked leaves. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  return gone.signal;
}
