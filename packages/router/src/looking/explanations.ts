// The last placement of each recent request, and when it was decided; bounded, the oldest go.

import { assert } from "@loci/core";
import { OldestKeys } from "../oldest-keys.ts";
import type { Placement } from "../placement.ts";

export class Explanations {
  readonly #placementsMax: number;
  /** In the order of decisions. */
  readonly #byRequest = new Map<string, { readonly placement: Placement; readonly atMs: number }>();
  readonly #oldest = new OldestKeys(this.#byRequest);

  constructor(placementsMax: number) {
    this.#placementsMax = placementsMax;
  }

  note(placement: Placement, atMs: number): void {
    this.#byRequest.delete(placement.requestId);
    this.#byRequest.set(placement.requestId, { placement, atMs });
    if (this.#byRequest.size > this.#placementsMax) this.#byRequest.delete(this.#oldest.take());
  }

  find(requestId: string): Placement | null {
    return this.#byRequest.get(requestId)?.placement ?? null;
  }

  /** Newest first. */
  recent(limit: number, nowMs: number): readonly (Placement & { readonly agoSeconds: number })[] {
    return [...this.#byRequest.values()]
      .slice(limit > 0 ? -limit : this.#byRequest.size)
      .toReversed()
      .map(({ placement, atMs }) =>
        Object.assign({}, placement, { agoSeconds: Math.max(0, nowMs - atMs) / 1000 }),
      );
  }

  checkIntegrity(): void {
    assert(this.#byRequest.size <= this.#placementsMax, "explanations are bounded");
  }
}
