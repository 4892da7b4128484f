// The live requests as their router sees them: all that can be seen of those whose engine shows nothing.

import type { LengthBand, RequestPhase, RequestView } from "@loci/core";
import type { LiveRequest } from "../requests/live-request.ts";

/** At most `limit` of them, in their order. */
export function requestViews(
  lives: Iterable<LiveRequest>,
  limit: number,
  nowMs: number,
): readonly RequestView[] {
  const views: RequestView[] = [];
  for (const live of lives) {
    if (views.length >= limit) break;
    views.push(requestView(live, nowMs));
  }
  return views;
}

function requestView(live: LiveRequest, nowMs: number): RequestView {
  const { request, worker, delivered, missedTokens, isStarted, forecast } = live;
  const promptTokens = request.promptTokens.length;
  const known = promptTokens + delivered - live.deliveredHere;
  const cachedTokens = isStarted ? Math.max(0, Math.min(promptTokens, known - missedTokens)) : 0;
  return {
    id: request.id,
    tenant: request.tenant,
    session: request.sessionKey ?? null,
    worker: worker?.id ?? null,
    phase: phaseOf(live),
    ageSeconds: Math.max(0, nowMs - live.openedAtMs) / 1000,
    promptTokens,
    cachedTokens,
    computedTokens: live.deliveredHere > 0 ? promptTokens + delivered : cachedTokens,
    generatedTokens: delivered,
    maxTokens: request.maxTokens,
    predicted: forecast === null ? null : bandOf(live),
    promisedTokens: null,
    blocksHeld: 0,
    rescues: live.moves,
  };
}

function phaseOf({ worker, isStarted, deliveredHere }: LiveRequest): RequestPhase {
  if (worker === null || !isStarted) return "waiting";
  return deliveredHere > 0 ? "decode" : "prefill";
}

function bandOf({ forecast, delivered, request }: LiveRequest): LengthBand | null {
  if (forecast === null) return null;
  const rest = forecast.distribution.longerThan(delivered);
  const at = (probability: number): number =>
    Math.max(delivered + 1, Math.min(rest.quantile(probability), request.maxTokens));
  return { low: at(0.1), median: at(0.5), high: at(0.9) };
}
