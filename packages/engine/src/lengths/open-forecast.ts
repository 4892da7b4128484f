// A request as a length predictor sees it.

import type { GenerationRequest } from "@loci/core";
import type { LengthPredictor } from "@loci/predict";
import { AnswerForecast } from "./answer-forecast.ts";

/** `room`: tokens that the context leaves for the answer; `delivered`: those that are there. */
export function openForecast(
  predictor: LengthPredictor,
  spec: GenerationRequest,
  { room, delivered }: { readonly room: number; readonly delivered: number },
): AnswerForecast {
  const tokensMax = Math.max(1, Math.min(spec.maxTokens, room));
  const forecast = predictor.open({
    tenant: spec.payer ?? spec.tenant,
    promptTokens: spec.promptTokens,
    userText: spec.userText ?? null,
    tokensMax,
    tokensMin: Math.min(spec.minTokens, tokensMax),
    ignoresEnd: spec.ignoreEos,
    temperature: spec.sampling.temperature,
    isConstrained: spec.sampling.grammar !== null,
  });
  if (delivered > 0) forecast.observe(delivered, null);
  return new AnswerForecast(forecast, tokensMax, delivered);
}
