// The block table of one running sequence, and what of it is not there yet.
//
//   table   [ tree | tree | hole | tree | arriving | private | private ]
//   tokens  0 ............. gap ........................ tokensHeld ... room
//
// `path` are the tree's nodes that the tokens run through, `gaps` the stretches below the frontier
// (`tokensHeld`) that have to be computed again, `restores` the moves that still bring blocks.
// The table grows in place, and a view handed to a runner stays valid while it does: entries a step
// can read never change before the step has ended.

import { assert, defined } from "@loci/core";
import type { TokenRange } from "@loci/core";
import type { CacheNode } from "./cached-block.ts";

const capacityMin = 16;

/** Whose sequence it is, for whoever looks on. */
export interface SequenceUser {
  readonly id: string;
  /** Names its conversation; null when it belongs to none. */
  readonly session: string | null;
}

/** A table's place whose block is yet to be found. */
export const noBlock = -1;

export class SequenceBlocks {
  readonly root: CacheNode;
  /** Full nodes of the tree, block by block from the sequence's start. */
  readonly path: CacheNode[] = [];
  /** The sequence's own partly filled node below the path, if it offers one. */
  leaf: CacheNode | null = null;
  /** Tokens before the frontier: in the blocks, in a gap, or computed by the current step. */
  tokensHeld = 0;
  /** Stretches of tokens to compute again: ascending, disjoint, the last ends before the frontier. */
  readonly gaps: { start: number; end: number }[] = [];
  /** Restore order → the first position that it brings. */
  readonly restores: Map<number, number> = new Map<number, number>();
  /** A private block that a restore fills, and the order; it is not free before the order ends. */
  tailRestore: { readonly order: number; readonly block: number } | null = null;
  /** Null for one that nobody runs on. */
  user: SequenceUser | null = null;
  /** How long its blocks are kept after its end, as the request asked. */
  retainMs = 0;
  #entries: Int32Array = new Int32Array(capacityMin);
  #count = 0;
  #view: Int32Array | null = null;

  constructor(root: CacheNode) {
    this.root = root;
  }

  /** The deepest node that the sequence's tokens have reached; the root at first. */
  get cursor(): CacheNode {
    return this.path.at(-1) ?? this.root;
  }

  get blockCount(): number {
    return this.#count;
  }

  get gapTokens(): number {
    return this.gaps.reduce((sum, gap) => sum + gap.end - gap.start, 0);
  }

  /** The first position whose keys and values are still on their way; Infinity when none are. */
  get arrivedEnd(): number {
    return Math.min(Infinity, ...this.restores.values());
  }

  /** Block i holds the tokens [i·blockTokens, (i+1)·blockTokens). A view, not a copy. */
  get table(): Int32Array {
    this.#view ??= this.#entries.subarray(0, this.#count);
    return this.#view;
  }

  blockAt(index: number): number {
    const block = this.#entries[index];
    assert(block !== undefined && index < this.#count, "the table has the block");
    return block;
  }

  push(block: number): void {
    if (this.#count === this.#entries.length) {
      const entries = new Int32Array(this.#count * 2);
      entries.set(this.#entries);
      this.#entries = entries;
    }
    this.#entries[this.#count] = block;
    this.#count++;
    this.#view = null;
  }

  /** Exchanges a block and returns the old one. Only between steps. */
  replace(index: number, block: number): number {
    const old = this.blockAt(index);
    this.#entries[index] = block;
    return old;
  }

  /** The current step computes the beginning of the first gap, up to `end`. */
  shrinkGap(end: number): void {
    const gap = defined(this.gaps[0], "there is a gap");
    assert(gap.start < end && end <= gap.end, "a gap is computed from its start");
    gap.start = end;
    if (gap.start === gap.end) this.gaps.shift();
  }

  /** Adds a block's tokens to the gaps; blocks come in ascending order. */
  addGap(range: TokenRange): void {
    const last = this.gaps.at(-1);
    if (last !== undefined && last.end === range.start) last.end = range.end;
    else this.gaps.push({ start: range.start, end: range.end });
  }

  checkIntegrity(): void {
    let before = 0;
    for (const { start, end } of this.gaps) {
      assert(start >= before && start < end && end <= this.tokensHeld, "gaps are in order");
      before = end + 1;
    }
    for (const block of this.table) assert(block !== noBlock, "every place has its block");
  }
}
