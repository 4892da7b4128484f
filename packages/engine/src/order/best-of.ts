// The best few of many, in order, without sorting all of them.

import { defined } from "@loci/core";

/** Lists up to so many times as long as what is asked for are simply sorted. */
const sortFactor = 2;

/** The first `count` of `entries` as `compare` orders them; `entries` stays as it is. */
export function bestOf<E>(
  entries: readonly E[],
  count: number,
  compare: (one: E, other: E) => number,
): E[] {
  if (entries.length <= sortFactor * count) return entries.toSorted(compare).slice(0, count);
  const best = entries.slice(0, count).toSorted(compare);
  for (let index = count; index < entries.length; index++) {
    const entry = defined(entries[index]);
    if (compare(entry, defined(best[count - 1])) >= 0) continue;
    best.splice(placeOf(best, entry, compare), 0, entry);
    best.pop();
  }
  return best;
}

/** Where `entry` belongs in a list in order, after its equals. */
function placeOf<E>(list: readonly E[], entry: E, compare: (one: E, other: E) => number): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(entry, defined(list[middle])) < 0) high = middle;
    else low = middle + 1;
  }
  return low;
}
