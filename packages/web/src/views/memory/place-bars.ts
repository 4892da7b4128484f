// How full each memory is: what requests hold, what is kept for later, what is free.

import type { KvTierName, MemoryPlace } from "@loci/core";

export interface PlaceBar {
  readonly worker: string | null;
  readonly tier: KvTierName;
  readonly total: number;
  readonly held: number;
  readonly cached: number;
  readonly free: number;
}

/** Fastest first. */
export const tierOrder: readonly KvTierName[] = ["device", "host", "disk"];

/** The sum over all workers, fastest memory first; memories that nobody has are left out. */
export function totalBars(places: readonly MemoryPlace[]): readonly PlaceBar[] {
  return tierOrder.flatMap((tier) => {
    const same = places.filter((place) => place.tier === tier);
    if (same.length === 0) return [];
    const sum = (value: (place: MemoryPlace) => number): number =>
      same.reduce((total, place) => total + value(place), 0);
    return [
      placeBar({
        worker: null,
        tier,
        blocksTotal: sum(({ blocksTotal }) => blocksTotal),
        blocksUsed: sum(({ blocksUsed }) => blocksUsed),
        blocksHeld: sum(({ blocksHeld }) => blocksHeld),
      }),
    ];
  });
}

export interface WorkerBars {
  readonly worker: string;
  readonly bars: readonly PlaceBar[];
}

/** By worker, in the order of their names. Empty where one process computes everything. */
export function workerBars(places: readonly MemoryPlace[]): readonly WorkerBars[] {
  const byWorker = Map.groupBy(places, ({ worker }) => worker ?? "");
  return [...byWorker]
    .filter(([worker]) => worker !== "")
    .toSorted(([left], [right]) => left.localeCompare(right, "en", { numeric: true }))
    .map(([worker, mine]) => ({
      worker,
      bars: tierOrder.flatMap((tier) => {
        const place = mine.find((one) => one.tier === tier);
        return place === undefined ? [] : [placeBar(place)];
      }),
    }));
}

/** Numbers that do not add up, as of a look in the middle of a move, are cut to what can be. */
function placeBar({ worker, tier, blocksTotal, blocksUsed, blocksHeld }: MemoryPlace): PlaceBar {
  const total = Math.max(0, blocksTotal);
  const used = Math.min(total, Math.max(0, blocksUsed));
  const held = Math.min(used, Math.max(0, blocksHeld));
  return { worker, tier, total, held, cached: used - held, free: total - used };
}
