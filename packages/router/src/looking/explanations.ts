// The last placements, and when they were decided: a ring, as every request writes into it and hardly
// anybody reads.

import { assert } from "@loci/core";
import type { Placement } from "../placement.ts";

interface Explained {
  readonly placement: Placement;
  readonly atMs: number;
}

export class Explanations {
  readonly #placementsMax: number;
  readonly #ring: Explained[] = [];
  #noted = 0;

  constructor(placementsMax: number) {
    this.#placementsMax = placementsMax;
  }

  note(placement: Placement, atMs: number): void {
    this.#ring[this.#noted++ % this.#placementsMax] = { placement, atMs };
  }

  /** The last one of the request; null when it is not remembered. */
  find(requestId: string): Placement | null {
    for (const { placement } of this.#newestFirst()) {
      if (placement.requestId === requestId) return placement;
    }
    return null;
  }

  /** The last one of each request, newest first. */
  recent(limit: number, nowMs: number): readonly (Placement & { readonly agoSeconds: number })[] {
    const byRequest = new Map<string, Placement & { readonly agoSeconds: number }>();
    for (const { placement, atMs } of this.#newestFirst()) {
      if (byRequest.size >= limit) break;
      if (byRequest.has(placement.requestId)) continue;
      const agoSeconds = Math.max(0, nowMs - atMs) / 1000;
      byRequest.set(placement.requestId, { ...placement, agoSeconds });
    }
    return [...byRequest.values()];
  }

  checkIntegrity(): void {
    assert(this.#ring.length <= this.#placementsMax, "explanations are bounded");
  }

  *#newestFirst(): Generator<Explained> {
    const { length } = this.#ring;
    for (let back = 1; back <= length; back++) {
      const explained = this.#ring[(this.#noted - back) % this.#placementsMax];
      if (explained !== undefined) yield explained;
    }
  }
}
