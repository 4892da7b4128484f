// The middle of some values by selection: a decision asks for medians over all workers, and sorting
// them would take longer than all else that it does with prices.

import { assert } from "@loci/core";

/** The middle value in order, of an even number the lower one; `values` are reordered. */
export function lowerMedian(values: Float64Array): number {
  assert(values.length > 0, "something has a median");
  const wanted = (values.length - 1) >> 1;
  let low = 0;
  let high = values.length - 1;
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
