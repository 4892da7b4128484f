// A request from its placement to its end, and what it is expected to ask of its worker now.

import type { LengthForecast } from "@loci/predict";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { RouteRequest } from "../placement.ts";

/** What a request asks of its worker now; summed over requests by each worker. */
export interface RequestWork {
  /** Prompt tokens that are not computed, until its first token comes. */
  readonly pendingTokens: number;
  /** Sum over these of the tokens that each attends to. */
  readonly pendingAttended: number;
  /** Tokens held by it while it decodes. */
  readonly contextTokens: number;
  /** Tokens that are expected to come. */
  readonly answerTokens: number;
  /** Blocks that it adds to those that were held before it, in the end. */
  readonly newBlocks: number;
}

/** A worker that went away, or seemed to, with the request on it. */
export interface SeenDeath {
  readonly workerId: string;
  readonly epoch: string;
  readonly atMs: number;
}

export interface LiveRequest {
  readonly request: RouteRequest;
  readonly payer: string;
  readonly forecast: LengthForecast | null;
  /** Null: it waits for a worker. */
  worker: RoutedWorker | null;
  /** Workers on which an attempt failed; bounded by the moves. */
  readonly failedOn: Set<string>;
  readonly deaths: SeenDeath[];
  /** Placements after the first. */
  moves: number;
  placedAtMs: number;
  readonly openedAtMs: number;
  /** Since when it has waited for a worker; null unless it does. */
  waitsSinceMs: number | null;
  /** Its worker took it up. */
  isStarted: boolean;
  /** Answer tokens so far, on all workers; of these, on the present one. */
  delivered: number;
  deliveredHere: number;
  /** Tokens that its worker still has to compute before the first new one. */
  missedTokens: number;
  /** As it was at placement, or when the worker took it up. */
  placedMissedTokens: number;
  /** Expected tokens of the whole answer; grows when the answer does. */
  expectedTokens: number;
  work: RequestWork;
}

const noWork: RequestWork = {
  pendingTokens: 0,
  pendingAttended: 0,
  contextTokens: 0,
  answerTokens: 0,
  newBlocks: 0,
};

/** A request that no worker has. */
export function openRequest(
  request: RouteRequest,
  expected: { readonly forecast: LengthForecast | null; readonly answerTokens: number },
  nowMs: number,
): LiveRequest {
  const most = Math.max(1, request.maxTokens);
  const { forecast, answerTokens } = expected;
  return {
    request,
    payer: request.payer ?? request.tenant,
    forecast,
    worker: null,
    failedOn: new Set(),
    deaths: [],
    moves: 0,
    placedAtMs: nowMs,
    openedAtMs: nowMs,
    waitsSinceMs: null,
    isStarted: false,
    delivered: 0,
    deliveredHere: 0,
    missedTokens: request.promptTokens.length,
    placedMissedTokens: request.promptTokens.length,
    expectedTokens: Math.min(most, forecast?.distribution.mean ?? answerTokens),
    work: noWork,
  };
}

/** What the request asks of its worker now. */
export function workOf(live: LiveRequest, blockTokens: number): RequestWork {
  const { request, delivered } = live;
  const known = request.promptTokens.length + delivered;
  if (delivered >= live.expectedTokens) live.expectedTokens = expectedBeyond(live);
  const answerTokens = Math.max(1, live.expectedTokens - delivered);
  const decodes = live.deliveredHere > 0;
  const { missedTokens } = live;
  return {
    pendingTokens: decodes ? 0 : missedTokens,
    pendingAttended: decodes ? 0 : missedTokens * (known - missedTokens / 2),
    contextTokens: decodes ? known : 0,
    answerTokens,
    newBlocks: Math.ceil(
      (live.placedMissedTokens + live.deliveredHere + answerTokens) / blockTokens,
    ),
  };
}

/** The answer outgrew what was expected: expected anew, given that it is so long. */
function expectedBeyond(live: LiveRequest): number {
  const { delivered, forecast, request } = live;
  const most = Math.max(1, request.maxTokens);
  const rest = forecast === null ? delivered : forecast.distribution.remainingMean(delivered);
  // At least an eighth more: asked for again only when the answer has grown by a share.
  return Math.max(delivered + 1, Math.min(most, delivered + Math.max(rest, delivered / 8)));
}

/** Its prompt and what was answered of it, as the next worker goes on from. */
export function tokensSoFar({ request }: LiveRequest, delivered: Int32Array): Int32Array {
  if (delivered.length === 0) return request.promptTokens;
  const tokens = new Int32Array(request.promptTokens.length + delivered.length);
  tokens.set(request.promptTokens);
  tokens.set(delivered, request.promptTokens.length);
  return tokens;
}
