// Prompts out of parts that others have too: a common beginning, a document, a conversation so far, a
// question of its own. A part is a stretch of blocks that any prompt may begin with; equal parts in
// equal order are a shared prefix.

import type { PromptSource } from "./sim-request.ts";

/** Tokens of a part's block: lengths of parts are multiples of it, but for the last one's. */
export const partBlockTokens = 64;

/** The first tokens of something that has a name. */
export interface PromptPart {
  /** What it is; equal names are equal tokens. */
  readonly name: number;
  readonly tokens: number;
}

/** A prompt that has these parts in this order; all but the last are rounded to whole blocks. */
export function promptOf(parts: readonly PromptPart[]): PromptSource {
  const blocks: number[] = [];
  let tokens = 0;
  for (const [place, { name, tokens: wanted }] of parts.entries()) {
    const isLast = place === parts.length - 1;
    const count = isLast ? Math.ceil(wanted / partBlockTokens) : wholeBlocks(wanted);
    for (let index = 0; index < count; index++) blocks.push(blockId(name, index));
    tokens += isLast ? wanted : count * partBlockTokens;
  }
  return { blocks: Int32Array.from(blocks), blockTokens: partBlockTokens, tokens };
}

/** A name for the n-th thing of a kind. */
export function partName(kind: number, number: number): number {
  return blockId(Math.imul(kind + 1, 0x27d4eb2f), number);
}

function wholeBlocks(tokens: number): number {
  return Math.round(tokens / partBlockTokens);
}

function blockId(name: number, index: number): number {
  let mixed = Math.imul(name ^ Math.imul(index + 1, 0x9e3779b1), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return mixed ^ (mixed >>> 15);
}
