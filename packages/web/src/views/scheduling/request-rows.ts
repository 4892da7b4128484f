// Requests as rows: how far each has come in reading its prompt and in writing its answer, beside
// what was predicted and promised. All answers share one scale.

import type { RequestPhase, RequestView } from "@loci/core";
import { answerBar, type AnswerBar } from "../../live/answer-bar.ts";
import { roundUp, shareOf } from "../../live/round-scale.ts";

export interface RequestRow {
  readonly request: RequestView;
  /** Shares of the prompt: taken from the cache, computed since, still missing. */
  readonly prompt: { readonly cached: number; readonly computed: number };
  readonly answer: AnswerBar;
}

/** Tokens at the right end of all bars: a round number that holds all that is shown. */
export function answerScale(requests: readonly RequestView[]): number {
  let most = 1;
  for (const { generatedTokens, predicted, promisedTokens, maxTokens } of requests) {
    const known = Math.max(generatedTokens, predicted?.high ?? 0, promisedTokens ?? 0);
    // Where nobody predicts, the limit is all there is to compare with.
    most = Math.max(most, predicted === null && promisedTokens === null ? maxTokens : known);
  }
  return roundUp(most);
}

export function requestRow(request: RequestView, scaleTokens: number): RequestRow {
  const { promptTokens, cachedTokens, computedTokens } = request;
  const cached = shareOf(cachedTokens, promptTokens);
  const computed = shareOf(computedTokens, promptTokens);
  return {
    request,
    prompt: { cached, computed: Math.max(0, computed - cached) },
    answer: answerBar(request, scaleTokens),
  };
}

/** Requests of each phase, in the order in which a request goes through them. */
export function phaseCounts(
  requests: readonly RequestView[],
): readonly (readonly [RequestPhase, number])[] {
  const phases: readonly RequestPhase[] = ["waiting", "restoring", "prefill", "decode"];
  return phases.map((phase) => [phase, requests.filter((one) => one.phase === phase).length]);
}
