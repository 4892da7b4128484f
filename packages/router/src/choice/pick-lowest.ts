// The last of filter → score → pick: the lowest score, or one of those that are as good.

import { assert } from "@loci/core";

/**
 * Index of one of the `count` first scores that are within `width` of the lowest. `draw` in [0, 1)
 * decides between them.
 */
export function pickLowest(
  scores: Float64Array,
  count: number,
  width: number,
  draw: number,
): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < count; index++) {
    lowest = Math.min(lowest, scores[index] ?? Number.POSITIVE_INFINITY);
  }
  assert(Number.isFinite(lowest), "a policy leaves at least one worker");
  const limit = lowest + width;
  let near = 0;
  for (let index = 0; index < count; index++) {
    if ((scores[index] ?? Number.POSITIVE_INFINITY) <= limit) near++;
  }
  let skip = Math.min(near - 1, Math.floor(draw * near));
  for (let index = 0; index < count; index++) {
    if ((scores[index] ?? Number.POSITIVE_INFINITY) > limit) continue;
    if (skip-- === 0) return index;
  }
  return 0;
}

/** Indexes of the `most` lowest scores, `first` leading, the others in order of their scores. */
export function lowestFew(
  scores: Float64Array,
  count: number,
  first: number,
  most: number,
): number[] {
  const few = [first];
  for (let index = 0; index < count; index++) {
    const score = scores[index] ?? Number.POSITIVE_INFINITY;
    if (index === first || !Number.isFinite(score)) continue;
    if (few.length < most) few.push(index);
    else if (most === 1 || (scores[few[most - 1] ?? 0] ?? 0) <= score) continue;
    // Insertion into a short sorted list: no sort of all for a handful of them.
    let place = few.length - 1;
    for (; place > 1 && (scores[few[place - 1] ?? 0] ?? 0) > score; place--) {
      few[place] = few[place - 1] ?? 0;
    }
    few[place] = index;
  }
  return few;
}
