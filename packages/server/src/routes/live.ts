// What a page shows of the server's work: a stream of looks, recent requests and the story of one,
// where they were placed and what they have in common. Callers see their own.

import { LociError } from "@loci/core";
import type { RequestHead, RequestStory } from "@loci/core";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { answerHeaders } from "../answer.ts";
import { asLociError } from "../error-body.ts";
import { payerOf } from "../live/own-view.ts";
import { invalid } from "../sampling-params.ts";
import { limitQuery, liveList, storyBody } from "../schemas/live-bodies.ts";
import type { ServerContext } from "../server-context.ts";
import { SseStream } from "../sse-stream.ts";
import { documented, type Routes } from "./routes.ts";

const tag = "operations" as const;
const limitDefault = 20;
const limitMax = 100;
/** Decisions that are looked through for a tenant's own. */
const placementsMax = 1024;

interface Query {
  readonly Querystring: Readonly<Record<string, unknown>>;
}

export function liveRoutes(app: Routes, context: ServerContext): void {
  const live = documented({ summary: "A look a second, as server-sent events", tag });
  app.get("/loci/live", { schema: live }, (request, reply) => streamLooks(context, request, reply));

  const list = (summary: string): object =>
    documented({ summary, tag, query: limitQuery, response: liveList });
  app.get<Query>("/loci/requests", { schema: list("Recent requests") }, ({ tenant, query }) => ({
    data: recentHeads(context, tenant, limitOf(query)),
  }));
  const story = documented({
    summary: "How a request went: by its id, its answer's, or its x-request-id",
    tag,
    params: Type.Object({ id: Type.String({ maxLength: 160 }) }),
    response: storyBody,
  });
  app.get<{ readonly Params: { readonly id: string } }>(
    "/loci/requests/:id",
    { schema: story },
    ({ tenant, params }) => requestStory(context, tenant, params.id),
  );
  app.get<Query>(
    "/loci/placements",
    { schema: list("Where recent requests went, and why; null without a router") },
    ({ tenant, query }) => ({ data: placements(context, tenant, limitOf(query)) }),
  );
  app.get<Query>(
    "/loci/prefixes",
    { schema: list("What many prompts begin with; null without a router") },
    ({ query }) => ({ data: context.placements?.hotPrefixes(limitOf(query)) ?? null }),
  );
}

/** The head is sent with the first look, so a refusal is still an HTTP error. */
async function streamLooks(
  context: ServerContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const signal = context.live.signalFor(reply.raw);
  const frames = context.hub.watch(request.tenant, signal);
  const first = await frames.next();
  reply.hijack();
  const stream = new SseStream(reply.raw, context.clock, context.limits);
  try {
    stream.open(answerHeaders(reply));
    for (let next = first; next.done !== true; next = await frames.next()) {
      await stream.sendText(next.value, "view");
    }
    stream.end(null);
  } catch (thrown) {
    if (asLociError(thrown).code === "internal") request.log.error({ err: thrown }, "no look");
    stream.destroy();
  } finally {
    await frames.return(undefined);
  }
  return reply;
}

function recentHeads(
  { book, conversationNames, placements: log }: ServerContext,
  tenant: string,
  limit: number,
): readonly RequestHead[] {
  const placed = (log?.recentPlacements(placementsMax) ?? []).map(
    (one) => [textOf(one, "requestId"), textOf(one, "workerId")] as const,
  );
  const workers = new Map(placed);
  return book.heads(tenant, limit, {
    workerOf: (id) => workers.get(id) ?? null,
    conversationOf: (session) => conversationNames.find(session, tenant),
  });
}

async function requestStory(
  context: ServerContext,
  tenant: string,
  name: string,
): Promise<RequestStory & { readonly conversation: string | null }> {
  const { observation, book, conversationNames } = context;
  if (observation === null) {
    throw new LociError("not_supported", "Requests are not observed here.");
  }
  const id = book.resolve(name, tenant);
  const story = (await observation.story(id)) ?? (await observation.story(`${id}-0-0`));
  if (story === null || !isOwn(context, tenant, story)) {
    throw new LociError("not_found", "That request is not remembered.", {
      remedy: "Only the last thousand are.",
    });
  }
  return { ...story, conversation: conversationNames.find(story.session, tenant) };
}

function isOwn(context: ServerContext, tenant: string, story: RequestStory): boolean {
  if (!context.keysNeeded) return true;
  return (context.book.tenantOf(story.id) ?? payerOf(story.tenant)) === tenant;
}

function placements(
  { placements: log, book, keysNeeded }: ServerContext,
  tenant: string,
  limit: number,
): readonly object[] | null {
  if (log === null) return null;
  const recent = log.recentPlacements(keysNeeded ? placementsMax : limit);
  if (!keysNeeded) return recent;
  const belongs = (one: object): boolean =>
    book.tenantOf(textOf(one, "requestId") ?? "") === tenant;
  return recent.filter(belongs).slice(0, limit);
}

function textOf(one: object, name: string): string | null {
  const value: unknown = Reflect.get(one, name);
  return typeof value === "string" ? value : null;
}

function limitOf({ limit }: Readonly<Record<string, unknown>>): number {
  if (limit === undefined) return limitDefault;
  const count = typeof limit === "string" && /^\d{1,3}$/.test(limit) ? Number(limit) : 0;
  if (count >= 1 && count <= limitMax) return count;
  throw invalid("limit", `'limit' must be an integer from 1 to ${limitMax}.`);
}
