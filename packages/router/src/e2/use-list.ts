// A doubly linked list from least to most recently used. Its items carry their own links.

import { assert } from "@loci/core";

interface Linked<T> {
  older: T | null;
  newer: T | null;
}

export class UseList<T extends Linked<T>> {
  #oldest: T | null = null;
  #newest: T | null = null;
  #size = 0;

  get oldest(): T | null {
    return this.#oldest;
  }

  get size(): number {
    return this.#size;
  }

  /** Puts an item that is in no list at the most recent end. */
  append(item: T): void {
    item.older = this.#newest;
    item.newer = null;
    if (this.#newest === null) this.#oldest = item;
    else this.#newest.newer = item;
    this.#newest = item;
    this.#size++;
  }

  /** Puts an item that is in no list next to one that is, as used just after it. */
  insertAfter(item: T, older: T): void {
    item.older = older;
    item.newer = older.newer;
    if (older.newer === null) this.#newest = item;
    else older.newer.older = item;
    older.newer = item;
    this.#size++;
  }

  remove(item: T): void {
    if (item.older === null) this.#oldest = item.newer;
    else item.older.newer = item.newer;
    if (item.newer === null) this.#newest = item.older;
    else item.newer.older = item.older;
    item.older = null;
    item.newer = null;
    this.#size--;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let item = this.#oldest; item !== null; item = item.newer) yield item;
  }

  checkIntegrity(): void {
    let size = 0;
    let before: T | null = null;
    for (const item of this) {
      assert(item.older === before, "the list is linked both ways");
      before = item;
      size++;
    }
    assert(this.#newest === before && size === this.#size, "the list ends where it says");
  }
}
