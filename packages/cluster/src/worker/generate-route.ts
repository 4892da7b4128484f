// POST /worker/generate: one request in, its events out, on a connection of their own.

import type { FastifyInstance, FastifyReply } from "fastify";
import { decodeGenerationBody } from "../wire/generation-body.ts";
import { LineWriter } from "./line-writer.ts";
import { serveAnswer } from "./serve-answer.ts";
import type { WorkerContext } from "./worker-context.ts";

export function generateRoute(app: FastifyInstance, context: WorkerContext): void {
  app.post("/worker/generate", async (request, reply) => {
    const body = decodeGenerationBody(request.body);
    context.answers.requireRoom();
    const writer = openLines(reply, context);
    context.answers.add(writer);
    try {
      await serveAnswer(context, writer, body);
    } finally {
      writer.end();
      context.answers.remove(writer);
    }
    return reply;
  });
}

/** From here on the route owns the response. */
export function openLines(reply: FastifyReply, { clock, limits }: WorkerContext): LineWriter {
  reply.hijack();
  return new LineWriter(reply.raw, clock, limits);
}
