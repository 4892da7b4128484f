// The middle of some values by selection: a decision asks for medians over all workers, and sorting
// them would take longer than all else that it does with prices.

import { assert } from "@loci/core";

/**
 * The middle one in order of the first `count` values, of an even number the lower; they are
 * reordered.
 */
export function lowerMedian(values: Float64Array, count: number): number {
  assert(count > 0 && count <= values.length, "something has a median");
  const wanted = (count - 1) >> 1;
  let low = 0;
  let high = count - 1;
  // What is before `low` is at most, what is behind `high` at least what lies between.
  while (low < high) {
    const pivot = at(values, (low + high) >> 1);
    let left = low;
    let right = high;
    while (left <= right) {
      while (at(values, left) < pivot) left++;
      while (at(values, right) > pivot) right--;
      if (left > right) break;
      const kept = at(values, left);
      values[left++] = at(values, right);
      values[right--] = kept;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return at(values, wanted);
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? Number.NaN;
}
