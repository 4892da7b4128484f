// Which examples contain an n-gram: a chain for each n-gram, through one array of links, so that
// what two requests share is found by walking what one of them has. Most n-grams are rare.

import { assert } from "@loci/core";
import { gramIds, gramsMax } from "./prompt-features.ts";

const none = -1;

export class GramIndex {
  /** First link of each n-gram's chain. A link is place * gramsMax + the n-gram's index there. */
  readonly #heads = new Int32Array(gramIds).fill(none);
  readonly #next: Int32Array;

  constructor(placesMax: number) {
    this.#next = new Int32Array(placesMax * gramsMax).fill(none);
  }

  add(place: number, grams: Uint16Array): void {
    for (let index = 0; index < grams.length; index++) {
      const gram = grams[index] ?? 0;
      const link = place * gramsMax + index;
      this.#next[link] = this.#heads[gram] ?? none;
      this.#heads[gram] = link;
    }
  }

  /** Takes out what `add` put in. */
  remove(place: number, grams: Uint16Array): void {
    for (let index = 0; index < grams.length; index++) {
      const gram = grams[index] ?? 0;
      const link = place * gramsMax + index;
      const after = this.#next[link] ?? none;
      let before = this.#heads[gram] ?? none;
      if (before === link) {
        this.#heads[gram] = after;
        continue;
      }
      while (before !== none && this.#next[before] !== link) before = this.#next[before] ?? none;
      assert(before !== none, "an n-gram that was added is in its chain");
      this.#next[before] = after;
    }
  }

  /** Adds to `counts`, by place, how many of `grams` each place has. */
  countShared(grams: Uint16Array, counts: Float64Array): void {
    const next = this.#next;
    for (const gram of grams) {
      for (let link = this.#heads[gram] ?? none; link !== none; link = next[link] ?? none) {
        const place = Math.trunc(link / gramsMax);
        counts[place] = (counts[place] ?? 0) + 1;
      }
    }
  }
}
