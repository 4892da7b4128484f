// What the scheduler asks of requests and lists of them; pure functions.

import { defined, prefillLoad } from "@loci/core";
import type { StepLoad } from "@loci/core";
import type { SequenceBlocks } from "./kv/sequence-blocks.ts";
import type { EngineRequest } from "./request.ts";

/** Tokens of a request that still need computing, as far as is known. */
export function missingTokens(request: EngineRequest): number {
  return request.state === "waiting" ? request.tokensMissing : request.tokensWanted;
}

/** What the scheduled tokens of all requests ask of the device. */
export function loadOf(requests: readonly EngineRequest[]): StepLoad {
  let [tokens, attended, sequences] = [0, 0, 0];
  for (const { scheduled } of requests) {
    for (const { start, end } of scheduled) {
      const load = prefillLoad(end - start, start);
      tokens += load.tokens;
      attended += load.attended;
      sequences++;
    }
  }
  return { tokens, attended, sequences };
}

/** Whether what one sequence computes again is what the other lacks. */
export function sharesGap(owner: SequenceBlocks, other: SequenceBlocks): boolean {
  return owner.gaps.some(({ start }) => {
    const index = Math.floor(start / defined(owner.path[0]).tokens.length);
    return owner.path[index] === other.path[index];
  });
}

/** Puts a request into its place among others in order of arrival. */
export function insertByArrival(list: EngineRequest[], request: EngineRequest): void {
  let index = list.length;
  while (index > 0 && defined(list[index - 1]).arrival > request.arrival) index--;
  list.splice(index, 0, request);
}
