// One after the other, whatever they do: the baseline of most published comparisons.

import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

export class RoundRobin implements PlacementPolicy {
  readonly name = "round-robin";
  readonly tieWidth = 0;
  #lastSlot = -1;

  score({ workers, scores }: PlacementView): void {
    for (const [index, { slot }] of workers.entries()) {
      // Next ones first, then from the beginning.
      scores[index] = slot > this.#lastSlot ? slot : slot + Number.MAX_SAFE_INTEGER / 2;
    }
  }

  placed({ live }: PlacementView): void {
    this.#lastSlot = live.worker?.slot ?? this.#lastSlot;
  }
}
