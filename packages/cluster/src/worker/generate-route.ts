// POST /worker/generate: one request in, its events out. Whatever happens after the head was sent is
// told in the stream, and its last line says how it ended; a stream without such a line was cut.

import type { FastifyInstance, FastifyReply } from "fastify";
import { LociError, toLociError } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { encodeError, encodeEvent, encodeNumbers } from "../wire/generation-lines.ts";
import { decodeGenerationBody } from "../wire/generation-body.ts";
import type { GenerationBody } from "../wire/generation-body.ts";
import type { FetchedPrompt } from "./block-fetcher.ts";
import { LineWriter } from "./line-writer.ts";
import type { WorkerContext } from "./worker-context.ts";

/** Another worker takes the request at once; this one will not come back for it. */
const retryAfterSeconds = 1;

export function generateRoute(app: FastifyInstance, context: WorkerContext): void {
  app.post("/worker/generate", async (request, reply) => {
    const body = decodeGenerationBody(request.body);
    context.answers.requireRoom();
    const writer = openLines(reply, context);
    context.answers.add(writer);
    try {
      await answer(context, writer, body);
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

async function answer(
  context: WorkerContext,
  writer: LineWriter,
  { request, fetch }: GenerationBody,
): Promise<void> {
  try {
    requireOpen(context);
    context.check(request);
    if (fetch !== null) await context.fetcher.fetch(fetchedPrompt(request), fetch, writer.gone);
    for await (const event of context.service.generate(request, writer.gone)) {
      if (event.type === "finished") await writer.write(encodeNumbers(context.reporter.numbers()));
      await writer.write(encodeEvent(event));
    }
  } catch (error) {
    if (!(error instanceof LociError)) context.onError(error);
    if (!writer.gone.aborted) await tell(writer, toLociError(error));
  }
}

/** The router counts blocks over all that is known: the prompt, and what was delivered. */
function fetchedPrompt({
  tenant,
  promptTokens,
  deliveredTokens,
}: GenerationRequest): FetchedPrompt {
  if (deliveredTokens === undefined) return { tenant, promptTokens };
  const tokens = new Int32Array(promptTokens.length + deliveredTokens.length);
  tokens.set(promptTokens);
  tokens.set(deliveredTokens, promptTokens.length);
  return { tenant, promptTokens: tokens };
}

async function tell(writer: LineWriter, error: LociError): Promise<void> {
  try {
    await writer.write(encodeError(error));
  } catch {
    // The reader left in the same moment: there is nobody to tell.
  }
}

function requireOpen({ reporter, ready }: WorkerContext): void {
  if (!reporter.isDraining && ready()) return;
  const reason = reporter.isDraining ? "is ending" : "is not ready";
  throw new LociError("unavailable", `The worker ${reason}.`, { retryAfterSeconds });
}
