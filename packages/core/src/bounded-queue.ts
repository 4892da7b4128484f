// A first-in, first-out queue whose content is bounded by weight (bytes, tokens, or 1 per item).
// What does not fit is refused, and the caller answers for it: nothing grows without a limit.

import { assert, defined } from "./assert.ts";

/** Compaction waits until this many taken items lie in front. */
const compactAfter = 64;

export class BoundedQueue<T> {
  readonly weightMax: number;
  #items: { readonly value: T; readonly weight: number }[] = [];
  /** Items before it were taken. */
  #head = 0;
  #weight = 0;

  constructor(weightMax: number) {
    assert(weightMax > 0, "a queue holds something");
    this.weightMax = weightMax;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Sum of the weights of the items inside; at most `weightMax`. */
  get weight(): number {
    return this.#weight;
  }

  /** Appends `value`; false, and nothing changes, when it would exceed `weightMax`. */
  tryPush(value: T, weight = 1): boolean {
    assert(weight >= 0, "a weight is not negative");
    if (this.#weight + weight > this.weightMax) return false;
    this.#items.push({ value, weight });
    this.#weight += weight;
    return true;
  }

  /** Takes the first item; null when the queue is empty. */
  tryShift(): T | null {
    if (this.size === 0) return null;
    const { value, weight } = defined(this.#items[this.#head]);
    this.#head++;
    this.#weight -= weight;
    if (this.size === 0) this.clear();
    else if (this.#head >= compactAfter && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return value;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#weight = 0;
  }

  checkIntegrity(): void {
    let weight = 0;
    for (let index = this.#head; index < this.#items.length; index++) {
      weight += defined(this.#items[index]).weight;
    }
    assert(Math.abs(weight - this.#weight) < 1e-6, "the queue weighs what its items weigh");
    assert(this.#weight <= this.weightMax, "the queue stays within its bound");
  }
}
