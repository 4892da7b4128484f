// What a stand-in engine "computes": the next token is a function of all tokens before it, so answers
// that are continued elsewhere can be compared token by token.

import { blockName, rootBlockName } from "@loci/core";
import { endToken } from "./byte-codec.ts";

const text = new TextEncoder().encode("remembered words 🙂 come ägain ");

/** Bytes of a fixed text from a place that the tokens decide; sometimes the end. */
export function nextToken(tokens: readonly number[], isEndAllowed: boolean): number {
  const name = blockName(rootBlockName(""), Int32Array.from(tokens), 0, tokens.length);
  if (isEndAllowed && name % 37 === 0) return endToken;
  // Goes on within the text where it is in the middle of a character.
  return text[name % text.length] ?? 32;
}
