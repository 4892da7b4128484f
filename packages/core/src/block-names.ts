// Short names for blocks of tokens, for those who only need to know who has a block: an engine
// tells them, a router computes the same names from a prompt. A name says what the whole sequence up
// to the block's end is, and under which salt. It is a hint: names decide where a request goes, never
// what it is answered from, so two blocks of one name cost a hit and nothing else.
//
// A name is a safe integer of 53 bits (a double holds it exactly). Only full blocks have names.

import { assert } from "./assert.ts";

/** 53-bit hash of a sequence of full blocks; see the top of the file. */
export type BlockName = number;

const lowSeed = 0x811c9dc5 | 0;
const highSeed = 0x01000193;
const lowMultiplier = 0x9e3779b1;
const highMultiplier = 0x85ebca6b;
const highBits = 0x1fffff;
const wordValues = 0x1_0000_0000;

/** The name of the empty sequence under a salt (a tenant's cache). */
export function rootBlockName(salt: string): BlockName {
  let low = lowSeed;
  let high = highSeed;
  for (let index = 0; index < salt.length; index++) {
    const code = salt.charCodeAt(index);
    low = mix(low, code, lowMultiplier);
    high = mix(high, code, highMultiplier);
  }
  return nameOf(low, high);
}

/** The name of the block whose tokens are `tokens[start, end)`, after the block named `parent`. */
export function blockName(
  parent: BlockName,
  tokens: Int32Array,
  start: number,
  end: number,
): BlockName {
  // What the block holds does not wait for who its parent is: a processor works on several at once.
  let low = lowSeed;
  let high = highSeed;
  for (let index = start; index < end; index++) {
    const token = tokens[index] ?? 0;
    low = mix(low, token, lowMultiplier);
    high = mix(high, token, highMultiplier);
  }
  return nameAfter(parent, low, high);
}

/** Names of the full blocks of a prompt, in order: ⌊tokens ÷ blockTokens⌋ of them. */
export function blockNames(salt: string, tokens: Int32Array, blockTokens: number): Float64Array {
  assert(blockTokens >= 1, "a block holds at least one token");
  const count = Math.floor(tokens.length / blockTokens);
  const names = new Float64Array(count);
  let name = rootBlockName(salt);
  let index = 0;
  // Two blocks at a time: one alone does not keep a processor busy.
  for (; index + 1 < count; index += 2) {
    let [low, high, nextLow, nextHigh] = [lowSeed, highSeed, lowSeed, highSeed];
    const start = index * blockTokens;
    for (let place = start; place < start + blockTokens; place++) {
      const token = tokens[place] ?? 0;
      const nextToken = tokens[place + blockTokens] ?? 0;
      low = mix(low, token, lowMultiplier);
      high = mix(high, token, highMultiplier);
      nextLow = mix(nextLow, nextToken, lowMultiplier);
      nextHigh = mix(nextHigh, nextToken, highMultiplier);
    }
    name = nameAfter(name, low, high);
    names[index] = name;
    name = nameAfter(name, nextLow, nextHigh);
    names[index + 1] = name;
  }
  if (index < count) {
    names[index] = blockName(name, tokens, index * blockTokens, (index + 1) * blockTokens);
  }
  return names;
}

/** Of a block with these lanes, after the block named `parent`. */
function nameAfter(parent: BlockName, ownLow: number, ownHigh: number): BlockName {
  // To 32 bits: of a whole number, `| 0` keeps the lowest; of a quotient, it drops the fraction.
  const low = mix(parent | 0, ownLow, lowMultiplier);
  const high = mix((parent / wordValues) | 0, ownHigh, highMultiplier);
  // The lanes do not know of each other yet: what one forgot, the other brings back.
  const crossed = mix(high, low, highMultiplier);
  return nameOf(mix(low, crossed, lowMultiplier), crossed);
}

function mix(state: number, value: number, multiplier: number): number {
  const mixed = Math.imul(state ^ value, multiplier);
  return (mixed ^ (mixed >>> 15)) | 0;
}

function nameOf(low: number, high: number): BlockName {
  return (high & highBits) * wordValues + (low >>> 0);
}
