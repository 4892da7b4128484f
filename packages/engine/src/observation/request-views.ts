// The requests that run and wait, as they are now.

import { defined, viewLimits } from "@loci/core";
import type { RequestPhase, RequestView } from "@loci/core";
import type { EngineRequest } from "../request.ts";

export interface RequestViewParts {
  readonly running: readonly EngineRequest[];
  readonly waiting: readonly EngineRequest[];
  readonly nowMs: number;
  /** Somebody says how long answers will be. */
  readonly predicts: boolean;
}

export function requestViews({ running, waiting, nowMs, predicts }: RequestViewParts): {
  readonly requests: readonly RequestView[];
  readonly requestsOmitted: number;
} {
  const { requestsMax } = viewLimits;
  const shown = [
    ...running.slice(0, requestsMax),
    ...waiting.slice(0, Math.max(0, requestsMax - running.length)),
  ];
  const requests = shown.map((request) => viewOf(request, nowMs, predicts));
  return { requests, requestsOmitted: running.length + waiting.length - shown.length };
}

/** What a running or waiting request is at; who decodes has nothing else left to compute. */
export function phaseOf(request: EngineRequest): RequestPhase {
  const { state, blocks, generated, tokensKnown, tokensReused } = request;
  if (state === "waiting") return "waiting";
  if (generated > 0 && tokensKnown - tokensReused <= 1) return "decode";
  if (!request.inFlight && (blocks?.restores.size ?? 0) > 0) return "restoring";
  return "prefill";
}

function viewOf(request: EngineRequest, nowMs: number, predicts: boolean): RequestView {
  const { spec, session, forecast, generated, blocks } = request;
  return {
    id: request.id,
    tenant: spec.tenant,
    session,
    worker: null,
    phase: phaseOf(request),
    ageSeconds: Math.max(0, nowMs - request.submittedAtMs) / 1000,
    promptTokens: request.promptLength,
    cachedTokens: request.cachedPromptTokens,
    computedTokens: computedTokens(request),
    generatedTokens: generated,
    maxTokens: spec.maxTokens,
    predicted: predicts ? forecast.band(generated) : null,
    promisedTokens: forecast.reserved > 0 ? forecast.reserved : null,
    blocksHeld: blocks?.blockCount ?? 0,
    rescues: request.story.rescues,
  };
}

/** Blocks that are on their way do not exist yet. */
function computedTokens({ blocks, tokensReused }: EngineRequest): number {
  if (blocks === null || blocks.restores.size === 0) return tokensReused;
  let arriving = 0;
  for (const { payload, length } of blocks.path) {
    if (defined(payload).arriving !== null) arriving += length;
  }
  return Math.max(0, tokensReused - arriving);
}
