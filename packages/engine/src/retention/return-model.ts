// How likely is it that a block is used again, given how long nobody has used it?

import { assert } from "@loci/core";
import type { RetentionEntry } from "./retention-entry.ts";

export class ReturnModel {
  #requests = 0;

  /**
   * One request uses these blocks now: all of them, in order of position, those that it computed
   * itself included. To be called once per request, when it gives its blocks back.
   */
  used(entries: readonly RetentionEntry[], nowMs: number): void {
    this.#requests++;
    for (const entry of entries) {
      entry.uses++;
      entry.lastUseMs = nowMs;
      entry.lastUse = this.#requests;
    }
  }

  checkIntegrity(): void {
    assert(this.#requests >= 0, "requests are counted");
  }
}
