// What is foreseen of a request's answer, from all that is known of it before it begins.

import type { LengthForecast, LengthPredictor } from "@loci/predict";
import type { RouteRequest } from "../placement.ts";

export function openForecast(lengths: LengthPredictor, request: RouteRequest): LengthForecast {
  const tokensMax = Math.max(1, request.maxTokens);
  return lengths.open({
    tenant: request.payer ?? request.tenant,
    promptTokens: request.promptTokens,
    userText: request.userText ?? null,
    tokensMax,
    tokensMin: Math.max(0, Math.min(tokensMax, request.minTokens ?? 0)),
    ignoresEnd: request.ignoreEos ?? false,
    temperature: request.temperature ?? 0,
    isConstrained: request.isConstrained ?? false,
  });
}
