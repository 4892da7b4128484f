// What can be done with a response later: GET, DELETE, cancel, input items.

import { LociError } from "@loci/core";
import type { JsonObject, StoredResponse } from "@loci/store";
import type { FastifyReply, FastifyRequest } from "fastify";
import { pageOf, pageQuery } from "../conversation/item-pages.ts";
import { endTurn } from "../responses/end-turn.ts";
import { eraseTurns } from "../responses/erase-turns.ts";
import { storedEventStream } from "../responses/retrieve-events.ts";
import { streamEvents } from "../responses/event-stream.ts";
import { storedResponseObject } from "../responses/response-object.ts";
import { noSuchResponse } from "../responses/turn-history.ts";
import { invalid } from "../sampling-params.ts";
import { idParams, pageQuerySchema, retrieveQuerySchema } from "../schemas/conversation-bodies.ts";
import { deletedObject, itemList, responseBody } from "../schemas/conversation-answers.ts";
import type { ServerContext } from "../server-context.ts";
import { documented, type Routes } from "./routes.ts";

interface ById {
  readonly Params: { readonly id: string };
  readonly Querystring: Readonly<Record<string, unknown>>;
}

export function storedResponseRoutes(app: Routes, context: ServerContext): void {
  const tag = "conversations" as const;
  const get = documented({
    summary: "A response",
    tag,
    params: idParams,
    query: retrieveQuerySchema,
    response: responseBody,
    streams: true,
  });
  app.get<ById>("/v1/responses/:id", { schema: get }, (request, reply) =>
    retrieve(context, request, reply),
  );
  const removal = documented({
    summary: "Delete a response",
    tag,
    params: idParams,
    response: deletedObject,
  });
  app.delete<ById>("/v1/responses/:id", { schema: removal }, async ({ tenant, params }) => {
    const { id } = params;
    const removed = await context.requireStore().responses.remove(tenant, id);
    if (removed === null) throw noSuchResponse();
    // A turn under way finds nothing left to complete.
    await eraseTurns(context, tenant, removed);
    return { id, object: "response.deleted", deleted: true };
  });
  const stop = documented({
    summary: "Cancel a background response",
    tag,
    params: idParams,
    response: responseBody,
  });
  app.post<ById>("/v1/responses/:id/cancel", { schema: stop }, async ({ tenant, params }) =>
    storedResponseObject(await cancelled(context, tenant, params.id)),
  );
  const list = documented({
    summary: "Items of a request",
    tag,
    params: idParams,
    query: pageQuerySchema,
    response: itemList,
  });
  app.get<ById>(
    "/v1/responses/:id/input_items",
    { schema: list },
    async ({ tenant, params, query }) => {
      const { inputItems } = await stored(context, tenant, params.id);
      return pageOf(inputItems, pageQuery(query));
    },
  );
}

async function stored(context: ServerContext, tenant: string, id: string): Promise<StoredResponse> {
  const response = await context.requireStore().responses.read(tenant, id);
  if (response === null) throw noSuchResponse();
  return response;
}

async function retrieve(
  context: ServerContext,
  request: FastifyRequest<ById>,
  reply: FastifyReply,
): Promise<JsonObject | FastifyReply> {
  const { params, query, tenant } = request;
  const response = await stored(context, tenant, params.id);
  const object = storedResponseObject(response);
  const after = startingAfter(query["starting_after"]);
  if (query["stream"] !== "true") return object;
  const isOpen = response.status === "queued" || response.status === "in_progress";
  if (isOpen && context.turns.log(params.id) === null) {
    throw invalid(
      "stream",
      "Only a background response of this server can be streamed while it runs.",
    );
  }
  const client = context.live.signalFor(reply.raw);
  const events = storedEventStream({ context, id: params.id, response: object, after, client });
  await streamEvents({ context, request, reply }, events);
  return reply;
}

function startingAfter(text: unknown): number | null {
  if (text === undefined) return null;
  if (typeof text === "string" && /^\d{1,9}$/.test(text)) return Number(text);
  throw invalid("starting_after", "'starting_after' must be the number of an event.");
}

/** Cancelling what is over changes nothing. Throws invalid_request for a foreground response. */
async function cancelled(
  context: ServerContext,
  tenant: string,
  id: string,
): Promise<StoredResponse> {
  const response = await stored(context, tenant, id);
  if (response.parameters["background"] !== true) {
    throw new LociError("invalid_request", "Only background responses can be cancelled.", {
      remedy: "Close the connection to end any other.",
    });
  }
  const isOpen = response.status === "queued" || response.status === "in_progress";
  if (!isOpen) return response;
  const turn = context.turns.get(id);
  // Another process works on it: its commit will find the response ended.
  if (turn === null) await endTurn(context, { tenant, id }, "cancelled");
  turn?.cancel();
  await turn?.ended;
  return stored(context, tenant, id);
}
