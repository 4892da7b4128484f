// What a use tells about the next one. Each fact is put into a range, and each range has a weight
// of its own to learn, so nothing is assumed about the shape of an influence or about its size.
//
// - New tokens of the request, in half octaves. A question about a long document adds little and is
//   often followed by the next; a fresh document is often the only request about it.
// - Tokens of the answer, in octaves.
// - Uses of the block so far, in half octaves: who came back often comes back again, and what many
//   share returns with any of them.
// - Place in the request: its last block rarely fits what follows; new ones are the private part.
//
// No fact depends on how many tokens a block has.

import type { RetentionEntry } from "./retention-entry.ts";

/** Weights of each fact; ranges above the last count as the last. */
const newTokenRanges = 40;
const answerRanges = 18;
const useRanges = 12;
const placeRanges = 3;

/** One weight that every use has, then those of the facts. */
export const returnFeatures: number = 1 + newTokenRanges + answerRanges + useRanges + placeRanges;

/** Of a request, known when it ends. */
export interface UseFacts {
  readonly newTokens: number;
  readonly answerTokens: number;
}

export type BlockPlace = "known" | "new" | "last";

const placeNumbers: Readonly<Record<BlockPlace, number>> = { known: 0, new: 1, last: 2 };

/** Weights that speak for a block of the request; `uses` counts this one. */
export function featuresOf(facts: UseFacts, uses: number, place: BlockPlace): readonly number[] {
  let start = 1;
  const features = [0];
  const add = (range: number, ranges: number): void => {
    features.push(start + Math.max(0, Math.min(ranges - 1, range)));
    start += ranges;
  };
  add(octaves(facts.newTokens, 2), newTokenRanges);
  add(octaves(facts.answerTokens + 1, 1), answerRanges);
  add(octaves(uses, 2), useRanges);
  add(placeNumbers[place], placeRanges);
  return features;
}

/** The facts of a request that uses `entries`, before this use is written into them. */
export function factsOf(entries: readonly RetentionEntry[], answerTokens: number): UseFacts {
  let newTokens = 0;
  for (const entry of entries) if (entry.uses === 0) newTokens += entry.tokens;
  return { newTokens, answerTokens };
}

function octaves(value: number, parts: number): number {
  return Math.floor(parts * Math.log2(Math.max(1, value)));
}
