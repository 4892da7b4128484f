// What a worker shows of its work: GET /worker/observe, its part of a page that shows several workers,
// and GET /worker/story, what became of one request.

import type { FastifyInstance } from "fastify";
import { shareOfView } from "../wire/observation-bodies.ts";
import type { WorkerContext } from "./worker-context.ts";

const workersMax = 65_536;

export function observeRoutes(app: FastifyInstance, { service }: WorkerContext): void {
  app.get<{ Querystring: { workers?: string } }>("/worker/observe", async ({ query }) => {
    const workers = Number(query.workers ?? 1);
    const isNumber = Number.isSafeInteger(workers) && workers >= 1 && workers <= workersMax;
    return shareOfView(await service.view(), isNumber ? workers : 1);
  });
  app.get<{ Querystring: { id?: string } }>("/worker/story", async ({ query }) => ({
    story: await service.story(String(query.id)),
  }));
}
