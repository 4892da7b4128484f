// What is believed of one answer's length while it grows: masses on a fine fixed grid of lengths.
// Evidence comes as a factor for each count of tokens still to come; multiplying it in where the
// lengths lie, instead of moving a coarse distribution along, loses nothing over many observations.
//
//   lengths   1 2 3 ... 32 | 33-34 35-36 ... | 65-68 ... | ... 131,072 (and longer)

import { assert } from "@loci/core";
import { at } from "../at.ts";
import { LengthDistribution } from "../length-distribution.ts";
import { binCount, binPlace, binRatio, binsPerToken, countAt } from "./remaining-bins.ts";

const exactMax = 32;
const cellsPerOctave = 16;
const octaves = 12;
const cellCount = exactMax + cellsPerOctave * octaves;

/** Cell i holds the lengths in (cellEdges[i], cellEdges[i + 1]]. */
const cellEdges = Float64Array.from({ length: cellCount + 1 }, (_, index) => {
  if (index <= exactMax) return index;
  const octave = Math.floor((index - exactMax) / cellsPerOctave);
  const step = (index - exactMax) % cellsPerOctave;
  return 2 ** octave * (exactMax + 2 * step);
});

/** Share of a doubted belief that knows nothing. */
const doubtShare = 1e-3;
/** Sums below this are no longer divided by. */
const massMin = 1e-200;

export class LengthBelief {
  readonly #masses = new Float64Array(cellCount);
  /** Lengths up to this one are past. */
  #generated = 0;

  /** From masses over bins of whole lengths, at least one above 0. */
  constructor(lengths: Float64Array) {
    assert(lengths.length === binCount, "a mass for each bin");
    for (let cell = 0; cell < cellCount; cell++) {
      const middle = middleOf(at(cellEdges, cell), at(cellEdges, cell + 1));
      const width = at(cellEdges, cell + 1) - at(cellEdges, cell);
      this.#masses[cell] = between(lengths, binPlace(middle)) * binsPerToken(middle) * width;
    }
    this.#normalise();
  }

  /** The answer is longer than `generated`, which never falls. */
  grow(generated: number): void {
    assert(generated >= this.#generated, "an answer does not shrink");
    const past = Math.min(generated, at(cellEdges, cellCount) - 1);
    if (past === this.#generated) return;
    const masses = this.#masses;
    for (let cell = 0; cell < cellCount; cell++) {
      const end = at(cellEdges, cell + 1);
      const start = Math.max(at(cellEdges, cell), this.#generated);
      if (end <= past) masses[cell] = 0;
      else if (start < past) masses[cell] = (at(masses, cell) * (end - past)) / (end - start);
      else break;
    }
    this.#generated = past;
    this.#normalise();
  }

  /** Adds a little of everything, so that a wrong certainty can be undone. */
  doubt(): void {
    const generated = this.#generated;
    const whole = binPlace(at(cellEdges, cellCount) - generated);
    let before = 0;
    for (let cell = 0; cell < cellCount; cell++) {
      const end = at(cellEdges, cell + 1);
      if (end <= generated) continue;
      const place = binPlace(end - generated);
      const share = (place - before) / whole;
      this.#masses[cell] = at(this.#masses, cell) * (1 - doubtShare) + doubtShare * share;
      before = place;
    }
  }

  /** Masses over bins of tokens still to come, summing to 1. */
  remaining(): Float64Array {
    const bins = new Float64Array(binCount);
    for (let cell = 0; cell < cellCount; cell++) {
      const mass = at(this.#masses, cell);
      if (mass === 0) continue;
      this.#eachPart(cell, (place, share) => {
        spread(bins, place, mass * share);
      });
    }
    return bins;
  }

  /** Multiplies each length's mass by e to the power that its count of tokens to come has. */
  weigh(logFactors: Float64Array): void {
    const factors = logFactors.map((value) => Math.exp(value));
    for (let cell = 0; cell < cellCount; cell++) {
      const mass = at(this.#masses, cell);
      if (mass === 0) continue;
      let factor = 0;
      this.#eachPart(cell, (place, share) => {
        factor += share * between(factors, place);
      });
      this.#masses[cell] = mass * factor;
    }
    this.#normalise();
  }

  /** As a distribution of the whole length; where it is cut is its user's to say. */
  distribution(): LengthDistribution {
    const longer = new Float64Array(cellCount + 1);
    for (let cell = cellCount - 1; cell >= 0; cell--) {
      longer[cell] = at(longer, cell + 1) + at(this.#masses, cell);
    }
    let cell = 0;
    // The grid's edges are read in rising order, so one walk finds all their cells.
    const survival = LengthDistribution.fromSurvival((tokens) => {
      while (cell < cellCount && at(cellEdges, cell + 1) <= tokens) cell++;
      if (cell >= cellCount) return 0;
      const start = Math.max(at(cellEdges, cell), this.#generated);
      if (tokens <= start) return at(longer, cell);
      const share = (tokens - start) / (at(cellEdges, cell + 1) - start);
      return at(longer, cell) - share * at(this.#masses, cell);
    });
    return this.#generated === 0 ? survival : survival.longerThan(this.#generated);
  }

  /** Throws when the masses are no distribution over lengths still possible. */
  checkIntegrity(): void {
    let sum = 0;
    for (let cell = 0; cell < cellCount; cell++) {
      const mass = at(this.#masses, cell);
      assert(mass >= 0, "masses are not negative");
      assert(mass === 0 || at(cellEdges, cell + 1) > this.#generated, "no mass on past lengths");
      sum += mass;
    }
    assert(Math.abs(sum - 1) < 1e-6, "masses sum to 1");
  }

  /**
   * The parts of a cell by their places among the bins: as a rule the cell's middle, but the next
   * tokens of a long answer have bins of their own within one cell.
   */
  #eachPart(cell: number, use: (place: number, share: number) => void): void {
    const start = Math.max(at(cellEdges, cell), this.#generated) - this.#generated;
    const end = at(cellEdges, cell + 1) - this.#generated;
    if (end - start <= 1 || end <= start * binRatio) {
      use(binPlace(middleOf(start, end)), 1);
      return;
    }
    // Whole counts start + 1 .. end, as a range that begins and ends half a token earlier and later.
    let from = start + 0.5;
    for (let bin = Math.floor(binPlace(from)) + 1; from < end + 0.5; bin++) {
      const to = bin >= binCount - 1 ? end + 0.5 : Math.min(end + 0.5, countAt(bin + 0.5));
      if (to <= from) continue;
      use(binPlace((from + to) / 2), (to - from) / (end - start));
      from = to;
    }
  }

  #normalise(): void {
    let sum = 0;
    for (let cell = 0; cell < cellCount; cell++) sum += at(this.#masses, cell);
    if (sum > massMin) {
      for (let cell = 0; cell < cellCount; cell++)
        this.#masses[cell] = at(this.#masses, cell) / sum;
      return;
    }
    // Nothing believed is left: every order of magnitude of what may come is alike.
    this.#masses.fill(0);
    const start = this.#generated;
    const whole = binPlace(at(cellEdges, cellCount) - start);
    let before = 0;
    for (let cell = 0; cell < cellCount; cell++) {
      const end = at(cellEdges, cell + 1);
      if (end <= start) continue;
      const place = binPlace(end - start);
      this.#masses[cell] = (place - before) / whole;
      before = place;
    }
  }
}

/** Mean of the whole lengths in (start, end]. */
function middleOf(start: number, end: number): number {
  return (start + 1 + end) / 2;
}

/** The line through `values` at a place between two of them. */
function between(values: Float64Array, place: number): number {
  const bin = Math.min(binCount - 2, Math.floor(place));
  const share = place - bin;
  return at(values, bin) * (1 - share) + at(values, bin + 1) * share;
}

/** Adds a mass to the two bins around a place. */
function spread(bins: Float64Array, place: number, mass: number): void {
  const bin = Math.min(binCount - 2, Math.floor(place));
  const share = place - bin;
  bins[bin] = at(bins, bin) + mass * (1 - share);
  bins[bin + 1] = at(bins, bin + 1) + mass * share;
}
