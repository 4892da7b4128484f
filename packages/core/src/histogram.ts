// Counts of values by size, which can be added over processes: how often a value fell between two
// bounds, and the sum of all. Bounds are fixed by whoever counts.

import { assert } from "./assert.ts";

export interface HistogramCounts {
  /** Ascending; each is the largest value of its bucket. */
  readonly bounds: readonly number[];
  /** One for each bound, and one for what is larger than all. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export class ValueHistogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    const ascends = bounds.every((bound, at) => at === 0 || bound > (bounds[at - 1] ?? bound));
    assert(bounds.length > 0 && ascends, "bounds ascend");
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    assert(Number.isFinite(value), "only numbers are counted");
    const at = this.#bounds.findIndex((bound) => value <= bound);
    const bucket = at < 0 ? this.#bounds.length : at;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  counts(): HistogramCounts {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
  }
}

/** Null for none, and where they do not count by the same bounds: there is no honest sum then. */
export function addHistograms(parts: readonly HistogramCounts[]): HistogramCounts | null {
  const [first] = parts;
  if (first === undefined) return null;
  const { bounds } = first;
  const isAlike = parts.every(
    (part) =>
      part.bounds.length === bounds.length && part.bounds.every((b, at) => b === bounds[at]),
  );
  if (!isAlike) return null;
  return {
    bounds,
    counts: first.counts.map((_, at) =>
      parts.reduce((sum, { counts }) => sum + (counts[at] ?? 0), 0),
    ),
    sum: parts.reduce((total, { sum }) => total + sum, 0),
  };
}
