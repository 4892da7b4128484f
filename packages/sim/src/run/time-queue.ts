// What will happen, soonest first; of two things at the same time, the one planned first. A binary
// heap over two columns, so that a simulation's order is a function of what it was given.

import { assert, defined } from "@loci/core";

interface Entry<T> {
  readonly atMs: number;
  readonly order: number;
  readonly value: T;
}

export class TimeQueue<T> {
  readonly #heap: Entry<T>[] = [];
  #orders = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the next thing happens; Infinity when nothing will. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  push(atMs: number, value: T): void {
    assert(Number.isFinite(atMs), "things happen at a time");
    const entry = { atMs, order: this.#orders++, value };
    let place = this.#heap.length;
    this.#heap.push(entry);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = defined(this.#heap[parent]);
      if (!isBefore(entry, above)) break;
      this.#heap[place] = above;
      place = parent;
    }
    this.#heap[place] = entry;
  }

  /** Takes what is next; null when there is nothing. */
  pop(): T | null {
    const first = this.#heap[0];
    if (first === undefined) return null;
    const last = defined(this.#heap.pop());
    if (this.#heap.length > 0) this.#sink(last);
    return first.value;
  }

  checkIntegrity(): void {
    for (let place = 1; place < this.#heap.length; place++) {
      const parent = defined(this.#heap[(place - 1) >> 1]);
      assert(!isBefore(defined(this.#heap[place]), parent), "nobody is before its parent");
    }
  }

  /** Puts an entry where the first one was, and from there to its place. */
  #sink(entry: Entry<T>): void {
    const heap = this.#heap;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, left)) child++;
      const sooner = defined(heap[child]);
      if (!isBefore(sooner, entry)) break;
      heap[place] = sooner;
      place = child;
    }
    heap[place] = entry;
  }
}

function isBefore<T>(one: Entry<T>, other: Entry<T>): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
