// A binary heap whose items are told their place, so that any item can be found, moved or removed.

import { assert, defined } from "@loci/core";

export class BinaryHeap<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (one: T, other: T) => boolean;
  readonly #placed: (item: T, place: number) => void;

  constructor(
    isBefore: (one: T, other: T) => boolean,
    placed: (item: T, place: number) => void = () => undefined,
  ) {
    this.#isBefore = isBefore;
    this.#placed = placed;
  }

  get size(): number {
    return this.#items.length;
  }

  /** The item at a place; null beyond the end. Place 0 comes first. */
  at(place: number): T | null {
    return this.#items[place] ?? null;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  /** Takes the first item; null when there is none. */
  tryPop(): T | null {
    const first = this.at(0);
    if (first !== null) this.removeAt(0);
    return first;
  }

  removeAt(place: number): void {
    assert(place >= 0 && place < this.#items.length, "the heap has this place");
    const last = defined(this.#items.pop());
    if (place === this.#items.length) return;
    this.#put(last, place);
    this.settle(place);
  }

  /** To be called after the order of the item at `place` changed. */
  settle(place: number): void {
    if (this.#rise(place) === place) this.#sink(place);
  }

  checkIntegrity(): void {
    for (let place = 1; place < this.#items.length; place++) {
      const parent = defined(this.#items[(place - 1) >> 1]);
      assert(!this.#isBefore(defined(this.#items[place]), parent), "no child comes first");
    }
  }

  #rise(start: number): number {
    const item = defined(this.#items[start]);
    let place = start;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = defined(this.#items[parent]);
      if (!this.#isBefore(item, above)) break;
      this.#put(above, place);
      place = parent;
    }
    this.#put(item, place);
    return place;
  }

  #sink(start: number): void {
    const item = defined(this.#items[start]);
    let place = start;
    for (;;) {
      let child = 2 * place + 1;
      let below = this.#items[child];
      if (below === undefined) break;
      const right = this.#items[child + 1];
      if (right !== undefined && this.#isBefore(right, below)) {
        child++;
        below = right;
      }
      if (!this.#isBefore(below, item)) break;
      this.#put(below, place);
      place = child;
    }
    this.#put(item, place);
  }

  #put(item: T, place: number): void {
    this.#items[place] = item;
    this.#placed(item, place);
  }
}
