// Rank agreement of two lists of numbers: Kendall's tau-b, which takes ties on either side out.

import { assert, defined } from "@loci/core";

/** In [-1, 1]; not a number where one of the lists is all ties. */
export function kendallTau(left: readonly number[], right: readonly number[]): number {
  assert(left.length === right.length, "ranks of the same things");
  let [agreeing, leftPairs, rightPairs] = [0, 0, 0];
  for (let one = 0; one < left.length; one++) {
    for (let other = one + 1; other < left.length; other++) {
      const leftSign = Math.sign(defined(left[one]) - defined(left[other]));
      const rightSign = Math.sign(defined(right[one]) - defined(right[other]));
      agreeing += leftSign * rightSign;
      leftPairs += Math.abs(leftSign);
      rightPairs += Math.abs(rightSign);
    }
  }
  return agreeing / Math.sqrt(leftPairs * rightPairs);
}
