// Entries ranked by a value that changes with time and with all that is learned. No sorted
// structure survives that, so nothing is sorted: a call values a few dozen random entries for each
// one that it is asked for, and remembers the best of the others for the next call. What is given
// up is within the lowest few per cent, always by values of this moment. Few entries are all valued,
// and the answer is exact.

import { assert, defined, Random } from "@loci/core";
import type { RetentionEntry } from "./retention-entry.ts";

/** Entries valued for each one asked for. */
const samplesPerEntry = 24;
/** Up to so many entries all are valued. */
const exactMax = 256;
/** Entries of low value remembered for the next call. */
const rememberedMax = 16;

interface Valued<E> {
  readonly entry: E;
  readonly value: number;
}

export class SampledOrder<E extends RetentionEntry> {
  readonly #entries: E[] = [];
  readonly #places = new Map<E, number>();
  readonly #random = new Random(0x5eed);
  #remembered: E[] = [];

  get size(): number {
    return this.#entries.length;
  }

  has(entry: E): boolean {
    return this.#places.has(entry);
  }

  add(entry: E): void {
    assert(!this.#places.has(entry), "an entry is in a queue once");
    this.#places.set(entry, this.#entries.length);
    this.#entries.push(entry);
  }

  remove(entry: E): void {
    const place = defined(this.#places.get(entry), "the entry is in the queue");
    const last = defined(this.#entries.pop());
    if (last !== entry) {
      this.#entries[place] = last;
      this.#places.set(last, place);
    }
    this.#places.delete(entry);
  }

  /** About the `count` entries of lowest value that `accept` takes, in order. */
  lowest(count: number, accept: (entry: E) => boolean, valueOf: (entry: E) => number): E[] {
    const valued: Valued<E>[] = [];
    for (const entry of this.#candidates(count, accept)) {
      valued.push({ entry, value: valueOf(entry) });
    }
    valued.sort(compare);
    const ranked = valued.map(({ entry }) => entry);
    this.#remembered = ranked.slice(count, count + rememberedMax);
    return ranked.slice(0, count);
  }

  checkIntegrity(): void {
    assert(this.#places.size === this.#entries.length, "every entry has one place");
    for (const [place, entry] of this.#entries.entries()) {
      assert(this.#places.get(entry) === place, "places are known");
    }
    assert(this.#remembered.length <= rememberedMax, "few are remembered");
  }

  #candidates(count: number, accept: (entry: E) => boolean): Iterable<E> {
    const size = this.#entries.length;
    const wanted = count * samplesPerEntry;
    if (size <= exactMax || size <= wanted) return this.#entries.filter(accept);
    const candidates = new Set<E>();
    for (const entry of this.#remembered) {
      if (this.#places.has(entry) && accept(entry)) candidates.add(entry);
    }
    for (let draw = 0; draw < wanted; draw++) {
      const entry = defined(this.#entries[this.#random.integer(0, size - 1)]);
      if (!candidates.has(entry) && accept(entry)) candidates.add(entry);
    }
    if (candidates.size >= count) return candidates;
    // Few are acceptable: look at one after the other until there are enough of them.
    const start = this.#random.integer(0, size - 1);
    for (let index = 0; index < size && candidates.size < wanted; index++) {
      const entry = defined(this.#entries[(start + index) % size]);
      if (accept(entry)) candidates.add(entry);
    }
    return candidates;
  }
}

/** Of equal value, the one unused for longest first, and of one request the deepest. */
function compare<E extends RetentionEntry>(one: Valued<E>, other: Valued<E>): number {
  if (one.value !== other.value) return one.value - other.value;
  if (one.entry.lastUse !== other.entry.lastUse) return one.entry.lastUse - other.entry.lastUse;
  return other.entry.positionStart - one.entry.positionStart;
}
