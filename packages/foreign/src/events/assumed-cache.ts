// What an engine that does not tell is taken to hold: it follows from what is sent there, and is
// corrected by how much of each prompt the engine found.

import type { BlockName, KvSnapshot } from "@loci/core";

export interface AssumedCache {
  /** Blocks that a new request could find. */
  readonly size: number;
  /** Of a prompt's blocks, by their names, how many of the first a new request could find. */
  heldOf(names: Float64Array): number;
  held(): KvSnapshot["held"];
  /** A request is sent whose prompt has these blocks. */
  send(names: Float64Array): CacheUse;
  /** The engine has restarted, and holds nothing. Nobody is told. */
  restart(): void;
  checkIntegrity(): void;
}

/** One request at the engine. Calls after a restart change nothing. */
export interface CacheUse {
  /** Blocks of its prompt that it was believed to find, when it was sent. */
  readonly believedBlocks: number;
  /** The engine found so much of the prompt, in blocks; not always whole ones. */
  found(blocks: number): void;
  /** Its prompt is computed. */
  computed(): void;
  /** It ended: these are its blocks, with those of its answer as far as it is known. */
  ended(names: Float64Array): void;
}

/** A find that differs by no more says nothing: engines round, and compute a last part again. */
export const toleratedBlocks = 1;

/** Of an engine that tells: there is nothing to learn. */
export function toldUse(believedBlocks: number): CacheUse {
  const ignore = (): void => undefined;
  return { believedBlocks, found: ignore, computed: ignore, ended: ignore };
}

/** Blocks that two sequences have in common: a name stands for all that is before it, too. */
export function commonBlocks(one: Float64Array, other: Float64Array): number {
  if (one[0] !== other[0]) return 0;
  let [common, differing] = [0, Math.min(one.length, other.length) + 1];
  while (differing - common > 1) {
    const middle = (common + differing) >> 1;
    if (one[middle - 1] === other[middle - 1]) common = middle;
    else differing = middle;
  }
  return common;
}

/** As a snapshot has it. */
export function heldOnDevice(names: Iterable<BlockName>): KvSnapshot["held"] {
  const blocks = Float64Array.from(names);
  return blocks.length === 0 ? [] : [{ tier: "device", blocks }];
}
