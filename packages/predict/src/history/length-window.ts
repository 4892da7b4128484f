// The lengths of the last answers of one class. Answers that were cut count as longer than what was
// seen of them (Kaplan and Meier), never as short ones. Counts by bin of the grid are kept beside
// the ring, so that a distribution costs a pass over the grid, whatever the window holds. A window of
// a few answers does without: most beginnings of prompts are seen once and never asked about.

import { assert } from "@loci/core";
import { at64 } from "../at.ts";
import { LengthDistribution } from "../length-distribution.ts";
import { binOf, blankValues, edgeCount, edges, lengthMax } from "../length-grid.ts";
import type { LengthOutcome } from "../length-predictor.ts";

/** So many answers are counted anew whenever that is asked. */
const fewSamples = 8;

/** Answers by the bin their last token lies in: ended by themselves, and cut. */
class BinCounts {
  readonly ended: Float64Array = new Float64Array(edgeCount);
  readonly cut: Float64Array = new Float64Array(edgeCount);

  tally(sample: number, change: number): void {
    const counts = (sample & 1) === 1 ? this.cut : this.ended;
    const bin = binOf((sample >>> 1) - 1);
    counts[bin] = at64(counts, bin) + change;
  }
}

export class LengthWindow {
  readonly #samplesMax: number;
  /** Samples, twice the tokens and one for a cut; a ring from `#start` on. */
  #ring = new Uint32Array(fewSamples);
  #start = 0;
  #count = 0;
  /** Null: there were never more than a few. */
  #counts: BinCounts | null = null;
  #distribution: LengthDistribution | null = null;

  constructor(samplesMax: number) {
    assert(samplesMax >= 1, "a window has room");
    this.#samplesMax = samplesMax;
  }

  get count(): number {
    return this.#count;
  }

  add({ tokens, isCensored }: LengthOutcome): void {
    if (tokens < 1) return;
    if (this.#count === this.#samplesMax) this.#drop();
    if (this.#count === this.#ring.length) this.#grow();
    const sample = Math.min(tokens, lengthMax) * 2 + (isCensored ? 1 : 0);
    this.#ring[(this.#start + this.#count) % this.#ring.length] = sample;
    this.#count++;
    this.#tally(sample, 1);
    if (this.#count > fewSamples) this.#counts ??= this.#countAll();
  }

  /** Forgets all but the last `samples`. */
  keepRecent(samples: number): void {
    while (this.#count > samples) this.#drop();
  }

  /** Of the answers in the window; null when there are none. */
  distribution(): LengthDistribution | null {
    if (this.#count === 0) return null;
    this.#distribution ??= this.#estimate();
    return this.#distribution;
  }

  /** Makes the distribution now, where it will be asked for and takes long. */
  prepare(): void {
    if (this.#counts !== null) this.distribution();
  }

  /** The last `samplesMax`, oldest first, for a file: see `restore`. */
  samples(samplesMax: number): number[] {
    const taken = Math.min(samplesMax, this.#count);
    return Array.from({ length: taken }, (_, i) => this.#sample(this.#count - taken + i));
  }

  restore(samples: readonly number[]): void {
    for (const sample of samples) {
      this.add({ tokens: sample >>> 1, isCensored: (sample & 1) === 1 });
    }
  }

  checkIntegrity(): void {
    assert(this.#count <= this.#samplesMax, "a window is bounded");
    assert(this.#counts !== null || this.#count <= fewSamples, "many answers are counted");
    const fresh = this.#countAll();
    for (let bin = 0; bin < edgeCount; bin++) {
      const { ended, cut } = this.#counts ?? fresh;
      assert(at64(ended, bin) === at64(fresh.ended, bin), "ended answers are in their bins");
      assert(at64(cut, bin) === at64(fresh.cut, bin), "cut answers are in their bins");
    }
  }

  #estimate(): LengthDistribution {
    const values = blankValues();
    const counts = this.#counts ?? this.#countAll();
    let atRisk = this.#count;
    let left = 1;
    let lastEdge = 0;
    for (let bin = 0; bin + 1 < edgeCount; bin++) {
      const ended = at64(counts.ended, bin);
      const cut = at64(counts.cut, bin);
      if (atRisk > 0) {
        // Those cut within the bin were there for half of it, on average.
        if (ended > 0) left *= 1 - ended / Math.max(ended, atRisk - cut / 2);
        atRisk -= ended + cut;
        values[bin + 1] = left;
        lastEdge = at64(edges, bin + 1);
      } else {
        // Beyond all that was seen, only answers that were cut are left: a heavy tail.
        const ratio = (lastEdge + 1) / (at64(edges, bin + 1) + 1);
        values[bin + 1] = left * ratio * ratio;
      }
    }
    return LengthDistribution.fromEdges(values);
  }

  #sample(index: number): number {
    return this.#ring[(this.#start + index) % this.#ring.length] ?? 0;
  }

  #drop(): void {
    this.#tally(this.#sample(0), -1);
    this.#start = (this.#start + 1) % this.#ring.length;
    this.#count--;
  }

  #grow(): void {
    const larger = new Uint32Array(Math.min(this.#ring.length * 2, this.#samplesMax));
    for (let i = 0; i < this.#count; i++) larger[i] = this.#sample(i);
    this.#ring = larger;
    this.#start = 0;
  }

  #tally(sample: number, change: number): void {
    this.#counts?.tally(sample, change);
    this.#distribution = null;
  }

  #countAll(): BinCounts {
    const counts = new BinCounts();
    for (let i = 0; i < this.#count; i++) counts.tally(this.#sample(i), 1);
    return counts;
  }
}
