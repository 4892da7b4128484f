// Bins of tokens still to come, in which the probe's networks speak: each count up to 8, then three
// per octave. A count lies between two bins and belongs to both by its distance from each, so that
// neighbours teach each other and a distribution has no steps.
//
//   bin      0 1 2 ... 8   9   10  11   ...
//   tokens   0 1 2 ... 8  10.1 12.7 16  ... 131,072

const exactMax = 8;
const binsPerOctave = 3;
const octaves = 14;

/** From a bin's count to the next one's, where they are not one apart. */
export const binRatio: number = 2 ** (1 / binsPerOctave);

export const binCount: number = exactMax + 1 + binsPerOctave * octaves;

/** Place of a count among the bins, in [0, binCount - 1]; `remaining` >= 0, need not be whole. */
export function binPlace(remaining: number): number {
  if (remaining <= exactMax) return remaining;
  return Math.min(binCount - 1, exactMax + binsPerOctave * Math.log2(remaining / exactMax));
}

/** The count that lies at a place. */
export function countAt(place: number): number {
  return place <= exactMax ? place : exactMax * 2 ** ((place - exactMax) / binsPerOctave);
}

/** Bins per token at a count: what turns a density over bins into one over tokens. */
export function binsPerToken(remaining: number): number {
  return remaining <= exactMax ? 1 : binsPerOctave / (Math.LN2 * remaining);
}
