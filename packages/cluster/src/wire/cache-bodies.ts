// Bodies and answers of a worker's cache calls.

import type { CachedChain, CachedTokensByTier, CacheMatch, DeletedTokens } from "@loci/core";
import { bodyBounds } from "./generation-body.ts";
import { Fields } from "./fields.ts";
import { base64OfTokens, tokensOfBytes } from "./number-bytes.ts";

/** Most chains in one answer. */
export const chainsMax = 1000;

const nextMax = 64;
const tokenIdMax = 2 ** 31 - 1;
const tierNames = ["device", "host", "disk", "missing"] as const;

export interface TenantTokens {
  readonly tenant: string;
  /** Null: all of the tenant's. */
  readonly tokens: Int32Array | null;
}

export function encodeTenantTokens({ tenant, tokens }: TenantTokens): object {
  return { tenant, ...(tokens && { tokens: base64OfTokens(tokens) }) };
}

/** Throws WireError, as all here. */
export function decodeTenantTokens(body: unknown): TenantTokens {
  const fields = new Fields(body);
  const tokens = fields.has("tokens") ? tokensOf(fields) : null;
  return { tenant: fields.text("tenant", bodyBounds.idCharsMax), tokens };
}

export function encodeErasure(tenant: string, deleted: DeletedTokens | null): object {
  const body = encodeTenantTokens({ tenant, tokens: deleted?.tokens ?? null });
  return { ...body, ...(deleted && { sharedTokens: deleted.sharedTokens }) };
}

export function decodeErasure(body: unknown): {
  readonly tenant: string;
  readonly deleted: DeletedTokens | null;
} {
  const { tenant, tokens } = decodeTenantTokens(body);
  if (tokens === null) return { tenant, deleted: null };
  const sharedTokens = new Fields(body).integer("sharedTokens", 0, tokens.length);
  return { tenant, deleted: { tokens, sharedTokens } };
}

export function encodeChains(chains: readonly CachedChain[]): object {
  const sent = chains.map((chain) => ({ ...chain, tokens: base64OfTokens(chain.tokens) }));
  return { chains: sent };
}

export function decodeChains(body: unknown): readonly CachedChain[] {
  return new Fields(body).list("chains", chainsMax).map((item) => {
    const fields = new Fields(item);
    return {
      tokens: tokensOf(fields),
      byTier: decodeByTier(fields),
      idleMs: fields.number("idleMs", 0),
    };
  });
}

export function decodeMatch(body: unknown): CacheMatch {
  const fields = new Fields(body);
  return {
    knownTokens: fields.integer("knownTokens"),
    byTier: decodeByTier(fields),
    knownNext: fields.integers("knownNext", nextMax, tokenIdMax),
  };
}

function decodeByTier(fields: Fields): CachedTokensByTier {
  return fields.object("byTier").numbers(tierNames);
}

function tokensOf(fields: Fields): Int32Array {
  return tokensOfBytes(fields.bytes("tokens", 4 * bodyBounds.tokensMax));
}
