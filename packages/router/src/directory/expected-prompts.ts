// Prompts that were just sent to workers: their blocks are expected there until a time. Kept per
// worker in the order in which they were sent, as references to the prompts' names.
//
// A name says all that is before it, so two prompts have in common what they begin with and nothing
// else: of a prompt whose time is over, those blocks are still expected that begin a later one.

import { assert } from "@loci/core";
import { PromptTree } from "./prompt-tree.ts";

interface ExpectedPrompt {
  readonly names: Float64Array;
  readonly untilMs: number;
}

interface SlotPrompts {
  prompts: ExpectedPrompt[];
  /** Those before it are over. */
  head: number;
  /** Those that are not. */
  readonly tree: PromptTree;
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
      ofSlot = { prompts: [], head: 0, tree: new PromptTree() };
      this.#slots.set(slot, ofSlot);
    }
    ofSlot.prompts.push({ names, untilMs });
    ofSlot.tree.add(names);
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
    const from = ofSlot.tree.remove(first.names);
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
    for (const { prompts, head, tree } of this.#slots.values()) {
      for (const prompt of prompts.slice(head)) names += prompt.names.length;
      assert(tree.promptCount === prompts.length - head, "the tree has those that are not over");
      tree.checkIntegrity();
    }
    assert(names === this.#names && names <= this.#namesMax, "names of prompts are counted");
  }
}
