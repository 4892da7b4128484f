// The block after a sequence's full ones, filled in part: where another sequence computed a longer or
// equal beginning of it, the sequence begins with a copy; what it fills of it itself is offered in turn.

import { assert, defined } from "@loci/core";
import type { BlockPublisher } from "./block-publisher.ts";
import type { CacheTree } from "./cache-tree.ts";
import type { KnownTail } from "./fill-missing.ts";
import type { SequenceBlocks } from "./sequence-blocks.ts";
import type { StepWrites } from "./step-writes.ts";
import type { TokenView } from "./token-view.ts";

export class SequenceTails {
  readonly #cache: CacheTree;
  readonly #writes: StepWrites;
  readonly #publisher: BlockPublisher;
  readonly #blockTokens: number;

  constructor(
    cache: CacheTree,
    writes: StepWrites,
    publisher: BlockPublisher,
    blockTokens: number,
  ) {
    this.#cache = cache;
    this.#writes = writes;
    this.#publisher = publisher;
    this.#blockTokens = blockTokens;
  }

  /** The longest known beginning of the sequence's next block. */
  known(sequence: SequenceBlocks, view: TokenView): KnownTail | null {
    const start = sequence.tokensHeld;
    const end = Math.min(view.end, start + this.#blockTokens);
    if (end <= start) return null;
    return this.#cache.matchChild(sequence.cursor, view.tokens, { start, end });
  }

  /** Begins the block with a copy where there is one. False when memory for it will be there soon. */
  copy(sequence: SequenceBlocks, view: TokenView): boolean {
    // Looked up again: making room may have cost the one that was known before.
    const tail = this.known(sequence, view);
    const copy = tail?.node.payload;
    if (!tail || !copy || copy.device === null) return true;
    // What this very step computes is not there yet when the copies run; nor is what arrives.
    if (this.#writes.includes(tail.node) || copy.arriving !== null) return true;
    const order = this.#writes.tryCopy(tail.node, tail.tokens);
    if (order === null) return !this.#cache.waitsForCopy;
    sequence.push(order.target);
    sequence.tokensHeld += tail.tokens;
    this.noteCopied(tail);
    return true;
  }

  noteCopied(tail: KnownTail | null): void {
    this.#cache.tiers.returns.copied(defined(tail?.node.payload), this.#cache.nowMs);
  }

  /** Offers the block to others, up to `view.end` tokens. */
  publish(sequence: SequenceBlocks, view: TokenView): void {
    const start = sequence.path.length * this.#blockTokens;
    assert(view.end - start < this.#blockTokens, "full blocks were published as scheduled");
    if (view.end > start) {
      this.#publisher.tail(sequence, view.tokens, { start, end: view.end });
    }
  }

  /** Whether the block holds what it should; a copy into it is withdrawn if not. */
  arrived(sequence: SequenceBlocks): boolean {
    const index = sequence.path.length;
    if (index >= sequence.blockCount) return true;
    return !this.#writes.withdrawCopy(sequence.blockAt(index)) && sequence.tailRestore === null;
  }
}
