// Prompts that were just sent to workers: their blocks are expected there until a time. Kept per
// worker in the order in which they were sent, as references to the prompts' names.
//
// A name says all that is before it, so two prompts have in common what they begin with and nothing
// else: of a prompt whose time is over, those blocks are still expected that begin a later one.

import { assert, defined } from "@loci/core";

interface ExpectedPrompt {
  readonly names: Float64Array;
  readonly untilMs: number;
}

interface SlotPrompts {
  prompts: ExpectedPrompt[];
  /** Those before it are over. */
  head: number;
}

/** Blocks whose time is over: the prompt's from `from` on. */
export interface OverdueBlocks {
  readonly names: Float64Array;
  readonly from: number;
}

export class ExpectedPrompts {
  readonly #namesMax: number;
  readonly #slots = new Map<number, SlotPrompts>();
  #names = 0;

  /** `namesMax`: over all prompts. */
  constructor(namesMax: number) {
    this.#namesMax = namesMax;
  }

  get bytes(): number {
    return 8 * this.#names;
  }

  /** False, and nothing is expected, when there is no room. Times of one slot may not go back. */
  tryAdd(slot: number, names: Float64Array, untilMs: number): boolean {
    if (this.#names + names.length > this.#namesMax || names.length === 0) return false;
    let ofSlot = this.#slots.get(slot);
    if (ofSlot === undefined) {
      ofSlot = { prompts: [], head: 0 };
      this.#slots.set(slot, ofSlot);
    }
    ofSlot.prompts.push({ names, untilMs });
    this.#names += names.length;
    return true;
  }

  /** Takes the first prompt of a slot whose time is over; null when there is none. */
  takeOverdue(slot: number, nowMs: number): OverdueBlocks | null {
    const ofSlot = this.#slots.get(slot);
    const first = ofSlot?.prompts[ofSlot.head];
    if (ofSlot === undefined || first === undefined || first.untilMs > nowMs) return null;
    ofSlot.head++;
    this.#names -= first.names.length;
    let from = 0;
    for (let index = ofSlot.head; index < ofSlot.prompts.length; index++) {
      from = commonStart(first.names, defined(ofSlot.prompts[index]).names, from);
    }
    if (ofSlot.head * 2 >= ofSlot.prompts.length) {
      ofSlot.prompts = ofSlot.prompts.slice(ofSlot.head);
      ofSlot.head = 0;
    }
    return { names: first.names, from };
  }

  clear(slot: number): void {
    const ofSlot = this.#slots.get(slot);
    for (const { names } of ofSlot?.prompts.slice(ofSlot.head) ?? []) this.#names -= names.length;
    this.#slots.delete(slot);
  }

  checkIntegrity(): void {
    let names = 0;
    for (const { prompts, head } of this.#slots.values()) {
      for (const prompt of prompts.slice(head)) names += prompt.names.length;
    }
    assert(names === this.#names && names <= this.#namesMax, "names of prompts are counted");
  }
}

/** Blocks that two prompts begin with, at least `known`, by bisection. */
function commonStart(one: Float64Array, other: Float64Array, known: number): number {
  // Mostly so: they have no more in common than is known.
  if (one[known] !== other[known]) return known;
  let low = known;
  let high = Math.min(one.length, other.length);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (one[middle - 1] === other[middle - 1]) low = middle;
    else high = middle - 1;
  }
  return low;
}
