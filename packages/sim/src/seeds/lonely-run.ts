// What a request would get from the simplest possible server: its prompt in one piece, then a token
// at a time, with nobody else there and no engine. The model against which a world is held.

import { assert, defined } from "@loci/core";
import type { GenerationRequest } from "@loci/core";
import { HashRunner } from "@loci/engine";
import type { RunnerLimits } from "@loci/engine";
import { seedAnswers } from "./seed-choices.ts";

export interface LonelyAnswer {
  readonly tokens: readonly number[];
  readonly text: string;
  readonly reason: "stop" | "length";
}

/** The answer to a request on a fresh device with these limits, but for its memory. */
export function lonelyRun(request: GenerationRequest, limits: RunnerLimits): LonelyAnswer {
  const { contextTokensMax, blockTokens, blockCount } = limits;
  const room = Math.min(contextTokensMax, blockTokens * blockCount);
  const runner = new HashRunner({
    ...limits,
    blockTokens: room,
    blockCount: 1,
    stepTokensMax: room,
    ...seedAnswers,
  });
  const history = [...request.promptTokens];
  const promptLength = history.length;
  const tokensMax = Math.min(request.maxTokens, room - promptLength);
  assert(tokensMax >= 1, "there is room for an answer");
  let start = 0;
  for (;;) {
    const count = history.length - promptLength;
    const sample = {
      params: request.sampling,
      history,
      promptLength,
      eosBanned: !request.ignoreEos && count < request.minTokens,
    };
    const tokens = Int32Array.from(history.slice(start));
    const blockTable = Int32Array.of(0);
    const slice = { requestId: request.id, tokens, positionStart: start, blockTable, sample };
    start = history.length;
    const { tokenId } = defined(runner.run({ copies: [], slices: [slice] }).samples[0]);
    history.push(tokenId);
    const answer = history.slice(promptLength);
    const end = endOf(request, answer, { tokensMax, runner });
    if (end !== null) return { ...end, tokens: answer };
  }
}

interface Ending {
  readonly tokensMax: number;
  readonly runner: HashRunner;
}

/** How an answer that stands so ends; null when it goes on. */
function endOf(
  request: GenerationRequest,
  answer: readonly number[],
  { tokensMax, runner }: Ending,
): Omit<LonelyAnswer, "tokens"> | null {
  const last = defined(answer.at(-1));
  const text = answer.map((token) => new TextDecoder().decode(runner.tokenBytes(token))).join("");
  const isEnd = !request.ignoreEos && runner.isEndOfGeneration(last);
  const mayStop = answer.length > request.minTokens;
  if (mayStop && (isEnd || request.stopTokenIds.includes(last))) {
    const before = answer.slice(0, -1);
    const kept = before.map((token) => new TextDecoder().decode(runner.tokenBytes(token))).join("");
    return { text: kept, reason: "stop" };
  }
  const places = request.stop.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  if (places.length > 0) return { text: text.slice(0, Math.min(...places)), reason: "stop" };
  return answer.length >= tokensMax ? { text, reason: "length" } : null;
}
