// What a worker tells routers: GET /worker/events, a stream that never ends, and GET /worker/snapshot.

import { setImmediate as nextTurn } from "node:timers/promises";

import type { FastifyInstance } from "fastify";
import { kvSnapshotText } from "../wire/control-lines.ts";
import { EventStream } from "./event-stream.ts";
import type { EventStreamStart } from "./event-stream.ts";
import { openLines } from "./generate-route.ts";
import type { WorkerContext } from "./worker-context.ts";

export function feedRoutes(app: FastifyInstance, context: WorkerContext): void {
  app.get("/worker/events", async (request, reply) => {
    const start = startOf(new URLSearchParams(queryOf(request.url)), context.facts.epoch);
    context.eventStreams.requireRoom();
    const writer = openLines(reply, context);
    context.eventStreams.add(writer);
    try {
      await new EventStream(context.reporter, writer, start).run();
    } catch (error) {
      // The reader left or was cut; it comes back by itself.
      if (!writer.gone.aborted) context.onError(error);
    } finally {
      writer.destroy();
      context.eventStreams.remove(writer);
    }
    return reply;
  });

  app.get("/worker/snapshot", async (_request, reply) => {
    const { epoch } = context.facts;
    // As in an event stream, each step has a turn of its own.
    const snapshot = context.reporter.snapshot();
    await nextTurn();
    const text = kvSnapshotText({ epoch }, snapshot);
    await nextTurn();
    return reply.type("application/json").send(text);
  });
}

function queryOf(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start + 1);
}

/** `?epoch=…&after=…` from a reader that had the stream before; `blocks=0` from one without need. */
function startOf(query: URLSearchParams, epoch: string): EventStreamStart {
  const after = Number(query.get("after") ?? Number.NaN);
  const isKnown = query.get("epoch") === epoch && Number.isSafeInteger(after) && after >= 0;
  return { after: isKnown ? after : null, withBlocks: query.get("blocks") !== "0" };
}
