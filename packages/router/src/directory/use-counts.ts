// How often a block was used within a sliding window, in one word: counts of this half of the window
// and of the one before, and which half this is.
//
//   bits 0..11  uses in the half │ 12..23  uses in the half before │ 24..31  the half's number mod 256
//
// Counts stop at 4,095. A word that nobody looked at for 256 halves would seem fresh: sweeping the
// table clears old ones long before.

const countMax = 0xfff;
const numberMask = 0xff;

/** Number of the half window in which a time lies. */
export function halfAt(nowMs: number, halfMs: number): number {
  return Math.floor(nowMs / halfMs) & numberMask;
}

/** The word after one more use. */
export function usedOnce(word: number, half: number): number {
  const passed = (half - (word >>> 24)) & numberMask;
  const now = passed === 0 ? word & countMax : 0;
  const before = passed === 0 ? (word >>> 12) & countMax : passed === 1 ? word & countMax : 0;
  return (half << 24) | (before << 12) | Math.min(countMax, now + 1);
}

/** Uses in this half and the one before. */
export function usesAt(word: number, half: number): number {
  const passed = (half - (word >>> 24)) & numberMask;
  if (passed > 1) return 0;
  return passed === 1 ? word & countMax : (word & countMax) + ((word >>> 12) & countMax);
}
