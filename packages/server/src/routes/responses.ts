// POST /v1/responses and /v1/responses/input_tokens.

import type { JsonObject, StoredReply } from "@loci/store";
import type { FastifyReply } from "fastify";
import type { Exchange } from "../answer.ts";
import { claimKey, jsonReply, type KeyClaim } from "../idempotency/key-claim.ts";
import { beginTurn, historyOf, type TurnAsk } from "../responses/begin-turn.ts";
import { streamEvents } from "../responses/event-stream.ts";
import { preparePrompt, requirePossible, type ResponseAsk } from "../responses/prepare-response.ts";
import { textField } from "../responses/response-object.ts";
import type { ResponseTurn } from "../responses/response-turn.ts";
import { storedEventStream } from "../responses/retrieve-events.ts";
import { inputTokensBody, responsesBody, type ResponsesBody } from "../schemas/responses-body.ts";
import { inputTokens, responseBody } from "../schemas/conversation-answers.ts";
import type { ServerContext } from "../server-context.ts";
import { documentedBody, type Routes } from "./routes.ts";

export function responseRoutes(app: Routes, context: ServerContext): void {
  const schema = documentedBody(responsesBody, {
    summary: "Answer, and keep the answer for a next turn",
    tag: "generation",
    response: responseBody,
    streams: true,
  });
  app.post("/v1/responses", { schema }, async (request, reply) => {
    const { claim, reply: kept } = await claimKey(context, request);
    const exchange = { context, request, reply };
    if (kept !== null) return answerAgain(exchange, request.body, kept);
    try {
      return await answer(exchange, request.body, claim);
    } finally {
      await claim?.release();
    }
  });

  const countSchema = documentedBody(inputTokensBody, {
    summary: "How many tokens a prompt has",
    tag: "tokens",
    response: inputTokens,
  });
  app.post("/v1/responses/input_tokens", { schema: countSchema }, ({ body, headers, tenant }) =>
    countTokens({ context, body, tenant, headers }),
  );
}

async function countTokens(ask: ResponseAsk): Promise<JsonObject> {
  requirePossible(ask);
  const { promptTokens } = await preparePrompt(ask, await historyOf(ask));
  return { object: "response.input_tokens", input_tokens: promptTokens.length };
}

async function answer(
  exchange: Exchange,
  body: ResponsesBody,
  claim: KeyClaim | null,
): Promise<JsonObject | FastifyReply> {
  const { context, request, reply } = exchange;
  const { headers, tenant, id: requestId, log } = request;
  const client = context.live.signalFor(reply.raw);
  const ask = { context, body, tenant, headers, claim, requestId, log };
  if (body.background === true) return answerLater(exchange, ask, client);
  const turn = await beginTurn({ ...ask, signal: client });
  if (body.stream === true) {
    await streamEvents(exchange, turn.events());
    return reply;
  }
  for await (const event of turn.events()) void event;
  if (turn.failure !== null) throw turn.failure;
  return turn.response();
}

/** The turn goes on whether the client stays or not. */
async function answerLater(
  exchange: Exchange,
  ask: Omit<TurnAsk, "signal">,
  client: AbortSignal,
): Promise<JsonObject | FastifyReply> {
  const { context, reply } = exchange;
  const { signal, done } = context.live.detached();
  let turn: ResponseTurn;
  try {
    turn = await beginTurn({ ...ask, signal });
  } catch (error) {
    done();
    throw error;
  }
  const queued = turn.response();
  const log = turn.runInBackground(done);
  await ask.claim?.finish(jsonReply(queued), turn.id);
  if (ask.body.stream !== true) return queued;
  await streamEvents(exchange, log.follow(null, client));
  return reply;
}

/** The answer to an earlier request with the same key, in the form this one asks for. */
async function answerAgain(
  exchange: Exchange,
  body: ResponsesBody,
  kept: StoredReply,
): Promise<JsonObject | FastifyReply> {
  const { reply, context } = exchange;
  reply.header("idempotent-replayed", "true");
  const response: JsonObject = JSON.parse(kept.body);
  if (body.stream !== true) return response;
  const client = context.live.signalFor(reply.raw);
  const id = textField(response, "id");
  await streamEvents(exchange, storedEventStream({ context, id, response, after: null, client }));
  return reply;
}
