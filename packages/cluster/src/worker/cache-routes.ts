// What a router may ask of a worker's cache, and blocks for other workers.

import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";
import { LociError } from "@loci/core";
import type { BlockExchange } from "@loci/core";
import { blockFrameHead, lastBlockFrame } from "../wire/block-frames.ts";
import { decodeBlocksBody } from "../wire/blocks-body.ts";
import type { BlocksBody } from "../wire/blocks-body.ts";
import {
  chainsMax,
  decodeErasure,
  decodeTenantTokens,
  encodeChains,
} from "../wire/cache-bodies.ts";
import { Fields } from "../wire/fields.ts";
import { decodeFetch } from "../wire/generation-body.ts";
import type { WorkerContext } from "./worker-context.ts";

export function cacheRoutes(app: FastifyInstance, context: WorkerContext): void {
  const { service } = context;
  app.post("/worker/chains", async ({ body }) => {
    const limit = new Fields(body).integer("limit", 0, chainsMax);
    const chains = await service.cachedChains(decodeTenantTokens(body).tenant, limit);
    return encodeChains(chains.slice(0, chainsMax));
  });
  app.post("/worker/match", async ({ body }) => {
    const { tenant, tokens } = decodeTenantTokens(body);
    return service.matchPrompt(tenant, tokens ?? new Int32Array());
  });
  app.post("/worker/forget", async ({ body }) => {
    const { tenant, tokens } = decodeTenantTokens(body);
    return { blocks: await service.forgetCached(tenant, tokens) };
  });
  app.post("/worker/erase", async ({ body }) => {
    const { tenant, deleted } = decodeErasure(body);
    await service.eraseCached(tenant, deleted);
    return {};
  });
  app.post("/worker/fetch", async ({ body }, reply) => {
    const { tenant, tokens } = decodeTenantTokens(body);
    const order = decodeFetch(new Fields(body).object("fetch"));
    const controller = new AbortController();
    reply.raw.once("close", () => controller.abort());
    const prompt = { tenant, promptTokens: tokens ?? new Int32Array() };
    return { blocks: await context.fetcher.fetch(prompt, order, controller.signal) };
  });
  blocksRoute(app, context);
}

/** POST /worker/blocks: contents of blocks, as far as they are held. */
function blocksRoute(app: FastifyInstance, context: WorkerContext): void {
  app.post("/worker/blocks", async (request, reply) => {
    const body = decodeBlocksBody(request.body);
    const { exchange } = context.service;
    const { fingerprint } = context.facts;
    if (exchange === null || fingerprint === "" || body.fingerprint !== fingerprint) {
      throw new LociError("not_supported", "Blocks of this worker are of no use to others.");
    }
    reply.hijack();
    const response = reply.raw;
    const controller = new AbortController();
    response.once("close", () => controller.abort());
    response.on("error", () => undefined);
    response.writeHead(200, { "content-type": "application/octet-stream" });
    context.exports.began();
    try {
      await sendBlocks(exchange, body, { response, signal: controller.signal });
      response.end();
    } catch (error) {
      // Cut rather than ended: the reader must not take it for all there is.
      response.destroy();
      if (!controller.signal.aborted) context.onError(error);
    } finally {
      context.exports.ended();
    }
    return reply;
  });
}

interface BlocksReader {
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

async function sendBlocks(
  exchange: BlockExchange,
  { tenant, promptTokens, blockStart, blockEnd }: BlocksBody,
  { response, signal }: BlocksReader,
): Promise<void> {
  const range = { blockStart, blockEnd };
  let index = 0;
  for await (const contents of exchange.exportBlocks(tenant, promptTokens, range, signal)) {
    response.write(blockFrameHead(contents, index++));
    // The contents may be reused once the next block is asked for.
    if (!response.write(Uint8Array.from(contents))) await once(response, "drain", { signal });
  }
  response.write(lastBlockFrame(index));
}
