// What an engine that does not tell is taken to hold: it follows from what is sent there, and is
// corrected by how much of each prompt the engine found.

import { blockNames } from "@loci/core";
import type { BlockName, KvSnapshot } from "@loci/core";

export interface AssumedCache {
  /** Blocks that a new request could find. */
  readonly size: number;
  /** Of a prompt's blocks, by their names, how many of the first a new request could find. */
  heldOf(names: Float64Array): number;
  held(): KvSnapshot["held"];
  send(prompt: Sequence): CacheUse;
  /** The engine has restarted, and holds nothing. Nobody is told. */
  restart(): void;
  checkIntegrity(): void;
}

export interface Sequence {
  readonly tokens: Int32Array;
  /** Of its full blocks. */
  readonly names: Float64Array;
}

/** One request at the engine. Calls after a restart change nothing. */
export interface CacheUse {
  /** Tokens of its prompt that it was believed to find, when it was sent. */
  readonly believedTokens: number;
  /** The engine says how many tokens of the prompt it found; the first word counts. */
  found(tokens: number): void;
  /** Its prompt is computed. */
  computed(): void;
  /** It ended; `all`: the prompt, and what is known of its answer. */
  ended(all: Sequence): void;
}

export const emptySequence: Sequence = { tokens: new Int32Array(0), names: new Float64Array(0) };

export function sequenceOf(tenant: string, tokens: Int32Array, blockTokens: number): Sequence {
  return { tokens, names: blockNames(tenant, tokens, blockTokens) };
}

/** Tokens that both begin with. A name stands for all that is before it, too. */
export function commonTokens(one: Sequence, other: Sequence, blockTokens: number): number {
  if (one.tokens[0] !== other.tokens[0]) return 0;
  let [common, differing] = [0, Math.min(one.names.length, other.names.length) + 1];
  while (differing - common > 1) {
    const middle = (common + differing) >> 1;
    if (one.names[middle - 1] === other.names[middle - 1]) common = middle;
    else differing = middle;
  }
  const most = Math.min(one.tokens.length, other.tokens.length);
  let tokens = common * blockTokens;
  while (tokens < most && one.tokens[tokens] === other.tokens[tokens]) tokens++;
  return tokens;
}

/** As a snapshot has it. */
export function heldOnDevice(names: Iterable<BlockName>): KvSnapshot["held"] {
  const blocks = Float64Array.from(names);
  return blocks.length === 0 ? [] : [{ tier: "device", blocks }];
}

const ignore = (): void => undefined;

/** Of an engine that tells: there is nothing to learn. */
export function toldUse(believedTokens: number): CacheUse {
  return { believedTokens, found: ignore, computed: ignore, ended: ignore };
}
