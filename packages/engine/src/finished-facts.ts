// What an observer is told of a request that has ended.

import type { FinishedFacts } from "./observer.ts";
import type { EngineRequest } from "./request.ts";

export function finishedFacts(
  request: EngineRequest,
  outcome: FinishedFacts["outcome"],
  nowMs: number,
): FinishedFacts {
  const { firstTokenAtMs, usage } = request;
  const later = usage.completionTokens - request.delivered - 1;
  const isTimed = firstTokenAtMs !== null && later > 0;
  return {
    requestId: request.id,
    outcome,
    usage,
    totalMs: nowMs - request.submittedAtMs,
    timePerTokenMs: isTimed ? (nowMs - firstTokenAtMs) / later : null,
  };
}
