// Where a request went and why, out of the router's JSON. Routers of other versions and policies
// have other terms; what is not a number in seconds is left out.

import { isNumber, isObject, textOf } from "./json-shape.ts";

export interface CostTerm {
  readonly name: string;
  /** Negative for what speaks for the worker. */
  readonly seconds: number;
}

export interface CandidateRow {
  readonly workerId: string;
  readonly score: number;
  /** Those that count, in the order in which they are drawn; empty for policies without. */
  readonly terms: readonly CostTerm[];
  readonly cachedTokens: number;
}

export interface PlacementRow {
  readonly requestId: string;
  readonly workerId: string;
  readonly policy: string;
  readonly reason: string;
  /** "12 blocks from w2"; null when nothing is fetched. */
  readonly fetch: { readonly fromWorkerId: string; readonly blocks: number } | null;
  /** Null where the router does not say when. */
  readonly agoSeconds: number | null;
  /** The chosen one first. */
  readonly candidates: readonly CandidateRow[];
}

const candidatesMax = 8;
/** Below this nobody sees a difference: a term is not worth a colour. */
const secondsMin = 1e-6;

/** As they are drawn. A replica's worth is subtracted from the sum. */
export const termNames = [
  "queue",
  "prefill",
  "slowdown",
  "eviction",
  "memory",
  "move",
  "replica",
] as const;

/** Null when `body` is no placement. */
export function decodePlacement(body: unknown): PlacementRow | null {
  if (!isObject(body)) return null;
  const { requestId, workerId, policy, reason, candidates, fetch, agoSeconds } = body;
  if (typeof workerId !== "string") return null;
  return {
    requestId: textOf(requestId),
    workerId,
    policy: textOf(policy),
    reason: textOf(reason),
    fetch: decodeFetch(fetch),
    agoSeconds: isNumber(agoSeconds) ? agoSeconds : null,
    candidates: (Array.isArray(candidates) ? candidates : [])
      .slice(0, candidatesMax)
      .flatMap((candidate: unknown) => decodeCandidate(candidate)),
  };
}

function decodeCandidate(body: unknown): readonly CandidateRow[] {
  if (!isObject(body) || typeof body["workerId"] !== "string" || !isNumber(body["score"])) {
    return [];
  }
  const { workerId, score, terms, cachedTokens } = body;
  const cached = isObject(cachedTokens) ? Object.values(cachedTokens).filter(isNumber) : [];
  return [
    {
      workerId,
      score,
      terms: isObject(terms) ? decodeTerms(terms) : [],
      cachedTokens: cached.reduce((sum, tokens) => sum + tokens, 0),
    },
  ];
}

function decodeTerms(terms: Readonly<Record<string, unknown>>): readonly CostTerm[] {
  return termNames.flatMap((name) => {
    const seconds = terms[name];
    if (!isNumber(seconds) || Math.abs(seconds) < secondsMin) return [];
    return [{ name, seconds: name === "replica" ? -seconds : seconds }];
  });
}

function decodeFetch(fetch: unknown): PlacementRow["fetch"] {
  if (!isObject(fetch)) return null;
  const { fromWorkerId, blockStart, blockEnd } = fetch;
  if (typeof fromWorkerId !== "string" || !isNumber(blockStart) || !isNumber(blockEnd)) return null;
  return { fromWorkerId, blocks: Math.max(0, blockEnd - blockStart) };
}

/** Seconds at the right end of all candidates' bars; at least a little, so that nothing divides by 0. */
export function costScale(candidates: readonly CandidateRow[]): number {
  const sums = candidates.map(({ terms }) =>
    terms.reduce((sum, { seconds }) => sum + Math.max(0, seconds), 0),
  );
  return Math.max(secondsMin, ...sums);
}
