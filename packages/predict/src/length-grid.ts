// The grid of token counts on which lengths are known: four edges per octave from 8 on, each whole
// number below. An edge's place is the top three bits of the number, so finding a bin takes a
// count of leading zeros and a shift, no logarithm.
//
//   0 1 2 3 4 5 6 7 | 8 10 12 14 | 16 20 24 28 | 32 ... | 2^20

/** Answers longer than this count as this long. */
export const lengthMax: number = 2 ** 20;

/** Index of the last edge at or below `tokens`, a whole number in [0, lengthMax]. */
export function binOf(tokens: number): number {
  if (tokens < 8) return tokens;
  const exponent = 31 - Math.clz32(tokens);
  return (exponent - 1) * 4 + ((tokens >>> (exponent - 2)) & 3);
}

function edgeAt(index: number): number {
  if (index < 8) return index;
  return (4 + (index & 3)) * 2 ** ((index >> 2) - 1);
}

export const edgeCount: number = binOf(lengthMax) + 1;

/** `edges[i]` for `i` in [0, edgeCount). */
export const edges: Float64Array = Float64Array.from({ length: edgeCount }, (_, i) => edgeAt(i));

/** One over the width of the bin from `edges[i]` on; 0 for the last edge, which has no bin. */
export const inverseWidths: Float64Array = edges.map((edge, i) =>
  i + 1 < edgeCount ? 1 / (edgeAt(i + 1) - edge) : 0,
);

// Of a kind that holds doubles, for good: arrays made of whole numbers would be converted later, and
// `fill` makes one of those.
const blank: number[] = Array.from(edges, () => 0.5);
for (let i = 0; i < edgeCount; i++) blank[i] = 0;

/**
 * A value for each edge, all 0. A plain array: many are made for each forecast, and a typed one takes
 * ten times as long to make.
 */
export function blankValues(): number[] {
  return blank.slice();
}
