// A map that holds a bounded number of entries and forgets the one unused for longest.

import { assert } from "@loci/core";

export class RecentMap<V> {
  readonly #entries = new Map<string, V>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    assert(entriesMax >= 1, "a map has room");
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Does not count as a use. */
  peek(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** The entry, made if it is not there; now the one used last. */
  use(key: string, make: () => V): V {
    const found = this.#entries.get(key);
    const value = found ?? make();
    if (found !== undefined) this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return value;
  }

  clear(): void {
    this.#entries.clear();
  }

  /** From the one unused for longest to the one used last. */
  entries(): MapIterator<[string, V]> {
    return this.#entries.entries();
  }

  checkIntegrity(): void {
    assert(this.#entries.size <= this.#entriesMax, "a bounded map keeps its bound");
  }
}
