// Entries in order of their last use, the deepest block of one request first. The order is kept by
// what was known when an entry was filed; an entry used since is filed anew when it is met.

import { assert, defined } from "@loci/core";
import { BinaryHeap } from "./binary-heap.ts";
import type { RetentionEntry } from "./retention-entry.ts";

interface Filed<E> {
  readonly entry: E;
  lastUse: number;
  place: number;
}

export class RecencyOrder<E extends RetentionEntry> {
  readonly #filed = new Map<E, Filed<E>>();
  readonly #heap: BinaryHeap<Filed<E>> = new BinaryHeap<Filed<E>>(isBefore, (filed, place) => {
    filed.place = place;
  });

  get size(): number {
    return this.#heap.size;
  }

  has(entry: E): boolean {
    return this.#filed.has(entry);
  }

  add(entry: E): void {
    assert(!this.#filed.has(entry), "an entry is in a queue once");
    const filed = { entry, lastUse: entry.lastUse, place: -1 };
    this.#filed.set(entry, filed);
    this.#heap.push(filed);
  }

  remove(entry: E): void {
    this.#heap.removeAt(this.#filedOf(entry).place);
    this.#filed.delete(entry);
  }

  update(entry: E): void {
    const filed = this.#filedOf(entry);
    if (filed.lastUse === entry.lastUse) return;
    filed.lastUse = entry.lastUse;
    this.#heap.settle(filed.place);
  }

  /** The first `count` entries that `accept` takes. */
  lowest(count: number, accept: (entry: E) => boolean): E[] {
    for (;;) {
      const { found, stale } = this.#walk(count, accept);
      if (stale.length === 0) return found;
      for (const { entry } of stale) this.update(entry);
    }
  }

  checkIntegrity(): void {
    assert(this.#filed.size === this.#heap.size, "every entry is in the heap");
    for (const [entry, filed] of this.#filed) {
      assert(filed.entry === entry && this.#heap.at(filed.place) === filed, "places are known");
    }
    this.#heap.checkIntegrity();
  }

  /** Visits the heap in order; only what is not behind something unvisited is looked at. */
  #walk(
    count: number,
    accept: (entry: E) => boolean,
  ): { readonly found: E[]; readonly stale: readonly Filed<E>[] } {
    const found: E[] = [];
    const stale: Filed<E>[] = [];
    const frontier = new BinaryHeap<Filed<E>>(isBefore);
    const look = (place: number): void => {
      const filed = this.#heap.at(place);
      if (filed !== null) frontier.push(filed);
    };
    look(0);
    while (found.length < count) {
      const first = frontier.tryPop();
      if (first === null) break;
      if (first.lastUse !== first.entry.lastUse) stale.push(first);
      else if (accept(first.entry)) found.push(first.entry);
      look(2 * first.place + 1);
      look(2 * first.place + 2);
    }
    return { found, stale };
  }

  #filedOf(entry: E): Filed<E> {
    return defined(this.#filed.get(entry), "the entry is in the queue");
  }
}

function isBefore<E extends RetentionEntry>(one: Filed<E>, other: Filed<E>): boolean {
  if (one.lastUse !== other.lastUse) return one.lastUse < other.lastUse;
  return one.entry.positionStart > other.entry.positionStart;
}
