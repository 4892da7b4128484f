// The first keys of a map that forgets its oldest entries. A new iterator walks over every entry that
// was deleted at the map's front since it was last rehashed: tens of thousands in a large one. One
// that is kept stands behind them already.

import { defined } from "@loci/core";

export class OldestKeys<K> {
  readonly #keys: Iterator<K>;

  /** Nobody else may take entries from the map's front. */
  constructor(map: ReadonlyMap<K, unknown>) {
    this.#keys = map.keys();
  }

  /** The oldest key; to be called while the map has entries. The caller deletes it at once. */
  take(): K {
    const { done, value } = this.#keys.next();
    return defined(done === true ? undefined : value, "a map with entries has an oldest one");
  }
}
