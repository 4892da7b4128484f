// How often each token has occurred in a sequence, kept as it grows: penalties then cost the
// number of distinct tokens, not the length of the sequence.

import type { SampleSpec } from "@loci/engine";
import { defined } from "@loci/core";

export class TokenCounts {
  /** Over prompt and answer. */
  readonly seen: Set<number> = new Set();
  /** Over the answer alone. */
  readonly answered: Map<number, number> = new Map();
  #counted = 0;

  /** Counts what `spec.history` has gained; it only ever grows. */
  update(spec: SampleSpec): void {
    for (; this.#counted < spec.history.length; this.#counted++) {
      const token = defined(spec.history[this.#counted]);
      this.seen.add(token);
      if (this.#counted < spec.promptLength) continue;
      this.answered.set(token, (this.answered.get(token) ?? 0) + 1);
    }
  }
}
