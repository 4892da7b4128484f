// GET and DELETE /v1/cache, POST /v1/cache/explain and /v1/cache/forget: for operators, each of
// whom sees and touches only what the key's tenant has in the cache.

import { defined, LociError } from "@loci/core";
import type { CachedTokensByTier, CacheMatch, CacheInspection } from "@loci/core";
import { cacheOwner } from "../generation-requests.ts";
import { noSuchResponse } from "../responses/turn-history.ts";
import { checkedTokenIds, invalid } from "../sampling-params.ts";
import {
  cacheAnswer,
  cachePromptBody,
  cacheQuery,
  chainsDefault,
  explainAnswer,
  forgetAnswer,
} from "../schemas/cache-bodies.ts";
import type { CachePromptBody, CacheQuery } from "../schemas/cache-bodies.ts";
import type { ServerContext } from "../server-context.ts";
import { documented, documentedBody, type Routes } from "./routes.ts";
import { tokensOf } from "./tokens.ts";

/** Tokens of a sequence's beginning and end that are shown as text. */
const shownTokens = 16;

export function cacheRoutes(app: Routes, context: ServerContext): void {
  const tag = "operations" as const;
  const summary = "What the cache holds";
  const get = documented({ summary, tag, query: cacheQuery, response: cacheAnswer });
  app.get<{ Querystring: CacheQuery }>("/v1/cache", { schema: get }, ({ tenant, query }) =>
    describe(context, cacheOwner(tenant, query.cache_salt), Number(query.limit ?? chainsDefault)),
  );
  const removal = documented({
    summary: "Forget everything that no request uses",
    tag,
    query: cacheQuery,
    response: forgetAnswer,
  });
  app.delete<{ Querystring: CacheQuery }>("/v1/cache", { schema: removal }, ({ tenant, query }) =>
    forget(context, cacheOwner(tenant, query.cache_salt), null),
  );
  const explaining = documentedBody(cachePromptBody, {
    summary: "Why a prompt would find its history in the cache, or not",
    tag,
    response: explainAnswer,
  });
  app.post("/v1/cache/explain", { schema: explaining }, ({ tenant, body }) =>
    explain(context, tenant, body),
  );
  const forgetting = documentedBody(cachePromptBody, {
    summary: "Forget a prompt and all that follows it",
    tag,
    response: forgetAnswer,
  });
  app.post("/v1/cache/forget", { schema: forgetting }, async ({ tenant, body }) => {
    requireCache(context);
    const { tokens } = await promptOf(context, tenant, body);
    return forget(context, cacheOwner(tenant, body.cache_salt), tokens);
  });
}

function requireCache({ cache }: ServerContext): CacheInspection {
  if (cache !== null) return cache;
  throw new LociError("not_supported", "This server shares no cache between requests.", {
    remedy: "Start it without --no-enable-prefix-caching.",
  });
}

async function forget(
  context: ServerContext,
  owner: string,
  tokens: Int32Array | null,
): Promise<object> {
  const blocks = await requireCache(context).forgetCached(owner, tokens);
  return { object: "cache.forgotten", blocks };
}

async function describe(context: ServerContext, owner: string, limit: number): Promise<object> {
  const snapshot = context.service.snapshot();
  const found = await requireCache(context).cachedChains(owner, limit);
  const chains: object[] = [];
  for (const { tokens, byTier, idleMs } of found) {
    chains.push({
      tokens: tokens.length,
      by_tier: tierTokens(byTier),
      idle_seconds: idleMs / 1000,
      first_text: await context.codec.detokenize(tokens.slice(0, shownTokens)),
      last_text: await context.codec.detokenize(tokens.slice(-shownTokens)),
    });
  }
  return {
    object: "cache",
    block_tokens: snapshot.kvBlockTokens,
    block_bytes: snapshot.kvBlockBytes ?? null,
    device: {
      slots: snapshot.kvBlocksTotal,
      slots_used: snapshot.kvBlocksTotal - snapshot.kvBlocksFree,
    },
    tiers: (snapshot.kvTiers ?? []).map((tier) => ({
      name: tier.name,
      slots: tier.slotsTotal,
      slots_used: tier.slotsUsed,
      restored_tokens: tier.restoredTokens,
      failed_restores: tier.failedRestores,
      failed_stores: tier.failedStores,
    })),
    prompt_tokens: snapshot.promptTokens,
    cached_tokens: snapshot.cachedTokens,
    recomputed_tokens: snapshot.kvDevice?.recomputedTokens ?? 0,
    chains,
  };
}

async function explain(
  context: ServerContext,
  tenant: string,
  body: CachePromptBody,
): Promise<object> {
  const cache = requireCache(context);
  const { tokens, fork } = await promptOf(context, tenant, body);
  const match = await cache.matchPrompt(cacheOwner(tenant, body.cache_salt), tokens);
  return {
    object: "cache.explanation",
    prompt_tokens: tokens.length,
    known_tokens: match.knownTokens,
    by_tier: tierTokens(match.byTier),
    difference: await difference(context, tokens, match),
    fork,
  };
}

async function difference(
  { codec }: ServerContext,
  tokens: Int32Array,
  { knownTokens, knownNext }: CacheMatch,
): Promise<object | null> {
  if (knownTokens >= tokens.length) return null;
  const shown = async (id: number): Promise<object> => ({
    id,
    text: await codec.detokenize(Int32Array.of(id)),
  });
  const prompt = await shown(defined(tokens[knownTokens]));
  return { position: knownTokens, prompt, known: await Promise.all(knownNext.map(shown)) };
}

interface NamedPrompt {
  readonly tokens: Int32Array;
  readonly fork: unknown;
}

async function promptOf(
  context: ServerContext,
  tenant: string,
  body: CachePromptBody,
): Promise<NamedPrompt> {
  const { cache_salt: _, tokens, response_id: responseId, ...text } = body;
  const forms = [tokens, responseId, text.prompt, text.messages];
  if (forms.filter((form) => form !== undefined).length !== 1) {
    throw invalid("prompt", "Give one of 'prompt', 'messages', 'tokens' and 'response_id'.");
  }
  if (responseId !== undefined) return turnOf(context, tenant, responseId);
  if (tokens === undefined) return { tokens: await tokensOf(context, text), fork: null };
  const { vocabularySize, contextTokensMax } = context.model;
  if (tokens.length > contextTokensMax) {
    throw invalid("tokens", `At most ${contextTokensMax} tokens, as many as the context holds.`);
  }
  const ids = checkedTokenIds(tokens, vocabularySize, "tokens");
  return { tokens: Int32Array.from(ids), fork: null };
}

/** Prompt and answer of a stored turn, and where its prompt left the history before it. */
async function turnOf(context: ServerContext, tenant: string, id: string): Promise<NamedPrompt> {
  const { responses } = context.requireStore();
  const stored = await responses.read(tenant, id);
  const turn = stored && (await responses.readTokens(tenant, id));
  if (turn === null) throw noSuchResponse("response_id");
  const tokens = Int32Array.from([...turn.promptTokens, ...turn.answerTokens]);
  return { tokens, fork: stored?.notes?.["fork"] ?? null };
}

function tierTokens({ device, host, disk, missing }: CachedTokensByTier): object {
  return { device, host, disk, missing };
}
