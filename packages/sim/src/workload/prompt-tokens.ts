// Token ids without text: the same block id gives the same tokens at the same place, another one
// different ones from its first token on.

import { assert, defined } from "@loci/core";
import type { PromptSource, SimRequest } from "./sim-request.ts";

/** The token that ends a simulated answer. */
export const endTokenId = 0;

/** Token ids of a prompt, all below `vocabularySize`, none of them the end. */
export function promptTokens(source: PromptSource, vocabularySize: number): Int32Array {
  assert(vocabularySize >= 2, "there is more than the end token");
  const { blocks, blockTokens, tokens } = source;
  assert(blocks.length * blockTokens >= tokens, "every token has a block");
  const ids = new Int32Array(tokens);
  const range = vocabularySize - 1;
  for (let start = 0, index = 0; start < tokens; start += blockTokens, index++) {
    const end = Math.min(tokens, start + blockTokens);
    let state = mix(defined(blocks[index]));
    for (let place = start; place < end; place++) {
      state = (Math.imul(state, 0x9e3779b1) + 0x7f4a7c15) | 0;
      // The upper bits, scaled: no division for each token.
      ids[place] = 1 + ((((state >>> 8) * range) / 0x1000000) | 0);
    }
  }
  return ids;
}

/** The answer's token at a place, never the end. */
export function answerToken(answerSeed: number, place: number, vocabularySize: number): number {
  return 1 + (mix(answerSeed + Math.imul(place + 1, 0x9e3779b1)) % (vocabularySize - 1));
}

/** A prompt that nobody shares. */
export function uniquePrompt(id: number, tokens: number): SimRequest["prompt"] {
  return { blocks: [-1 - id], blockTokens: tokens, tokens };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
