// Copies of whole sequences that a llama-server keeps in host memory, oldest first, by its rules: what
// is contained in another is not kept twice, what is taken is there no more, and the oldest go for
// want of room. How much room that is, is learned.

import { assert } from "@loci/core";
import { commonTokens } from "./assumed-cache.ts";
import type { Sequence } from "./assumed-cache.ts";
import type { BlockCopies } from "./block-copies.ts";

export interface SavedSequencesOptions {
  /** That the server's slots have room for. */
  readonly tokensMax: number;
  readonly blockTokens: number;
}

/** A copy of which less than this would serve stays where it is. */
const servedMin = 0.25;
/** Room, in that of all slots: at first and at most. */
const roomFirst = 4;
const roomMost = 64;
const sequencesMax = 2048;
/** What of it is left after a copy was not there; what is gained by one that was, though given up. */
const shrink = 0.7;
const grow = 1.1;

export class SavedSequences {
  readonly #options: SavedSequencesOptions;
  readonly #copies: BlockCopies;
  #saved: Sequence[] = [];
  #tokens = 0;
  #room: number;

  /** `copies` is kept up to date with what is here. */
  constructor(options: SavedSequencesOptions, copies: BlockCopies) {
    this.#options = options;
    this.#copies = copies;
    this.#room = roomFirst * options.tokensMax;
  }

  /** In tokens. */
  get room(): number {
    return this.#room;
  }

  all(): readonly Sequence[] {
    return this.#saved;
  }

  /** Keeps a copy; what is a beginning of it goes. */
  save(sequence: Sequence): void {
    const { length } = sequence.tokens;
    if (length === 0 || length > this.#room) return;
    const common = this.#saved.map((saved) => this.#common(saved, sequence));
    if (common.includes(length)) return;
    const beginnings = this.#saved.filter(({ tokens }, index) => common[index] === tokens.length);
    for (const beginning of beginnings) this.#remove(beginning);
    this.#saved.push(sequence);
    this.#tokens += length;
    this.#copies.add(sequence.names);
    this.#trim();
  }

  /** Takes out what has more of the prompt than `present`, and less beside it; null where nothing. */
  takeBetter(prompt: Sequence, present: Sequence): TakenSequence | null {
    let best: number | null = null;
    let common = this.#common(present, prompt);
    let share = present.tokens.length === 0 ? -1 : common / present.tokens.length;
    for (const [index, saved] of this.#saved.entries()) {
      const tokens = this.#common(saved, prompt);
      const served = tokens / saved.tokens.length;
      if (served < servedMin || served <= share || tokens <= common) continue;
      [best, common, share] = [index, tokens, served];
    }
    const sequence = this.#saved[best ?? -1];
    if (best === null || sequence === undefined) return null;
    const isOld = best < this.#saved.length / 2;
    this.#remove(sequence);
    return { sequence, isOld };
  }

  /** Something was found that is not here. */
  hasMore(): void {
    const most = roomMost * this.#options.tokensMax;
    this.#room = Math.min(
      most,
      Math.ceil(grow * Math.max(this.#room, this.#options.tokensMax / 4)),
    );
  }

  /** An old one was not found. */
  hasLess(): void {
    this.#room = Math.floor(shrink * Math.min(this.#room, this.#tokens));
    this.#trim();
  }

  checkIntegrity(): void {
    const tokens = this.#saved.reduce((sum, saved) => sum + saved.tokens.length, 0);
    assert(tokens === this.#tokens, "tokens of copies are counted");
    assert(tokens <= this.#room, "no more is kept than there is room for");
    assert(this.#room <= roomMost * this.#options.tokensMax, "room is bounded");
    assert(this.#saved.length <= sequencesMax, "sequences are bounded");
  }

  #trim(): void {
    for (;;) {
      const oldest = this.#saved[0];
      const isTooMuch = this.#tokens > this.#room || this.#saved.length > sequencesMax;
      if (oldest === undefined || !isTooMuch) return;
      this.#remove(oldest);
    }
  }

  #remove(sequence: Sequence): void {
    this.#saved.splice(this.#saved.indexOf(sequence), 1);
    this.#tokens -= sequence.tokens.length;
    this.#copies.remove(sequence.names);
  }

  #common(one: Sequence, other: Sequence): number {
    return commonTokens(one, other, this.#options.blockTokens);
  }
}

export interface TakenSequence {
  readonly sequence: Sequence;
  /** One of the older half: would be among the next to go. */
  readonly isOld: boolean;
}
