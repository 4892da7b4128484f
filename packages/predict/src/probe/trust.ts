// How far the belief before and the network's evidence are to be trusted. Networks learned on little
// are too sure of themselves, and states of one answer repeat each other, so evidence is raised to
// a power below 1 and so is the belief. Which powers: those under which the recent answers would
// have been the least surprising, judged before the network learned from them.

import { defined } from "@loci/core";
import { at } from "../at.ts";
import type { KeptNumbers } from "./kept-numbers.ts";
import { type ProbeSample, chanceOf, softMax } from "./probe-sample.ts";
import { binCount } from "./remaining-bins.ts";

/** Powers to choose from; the first is tried first. */
const choices: readonly { readonly prior: number; readonly evidence: number }[] = [
  { prior: 1, evidence: 1 },
  { prior: 0.85, evidence: 0.85 },
  { prior: 0.7, evidence: 0.7 },
  { prior: 0.55, evidence: 0.55 },
  { prior: 0.4, evidence: 0.4 },
  { prior: 1, evidence: 0.75 },
  { prior: 1, evidence: 0.5 },
  { prior: 1, evidence: 0.25 },
  { prior: 1, evidence: 0 },
  { prior: 0.8, evidence: 0.4 },
  { prior: 0.85, evidence: 0.1 },
  { prior: 0.7, evidence: 0.2 },
];
/** Losses forget what is older than about so many samples. */
const memorySamples = 300;
/** No single surprise counts for more than this chance. */
const chanceMin = 1e-6;

export class Trust {
  readonly #losses = new Float32Array(choices.length);
  readonly #logs = new Float64Array(binCount);
  readonly #masses = new Float64Array(binCount);

  /** What is kept over restarts. */
  get numbers(): readonly KeptNumbers[] {
    return [{ values: this.#losses, least: 0 }];
  }

  /** Logarithms of what a belief's masses are to be multiplied by. */
  factors(logPrior: Float64Array, evidence: Float64Array): Float64Array {
    let best = 0;
    for (let index = 1; index < choices.length; index++) {
      if (at(this.#losses, index) < at(this.#losses, best)) best = index;
    }
    const powers = defined(choices[best]);
    const factors = new Float64Array(binCount);
    for (let bin = 0; bin < binCount; bin++) {
      factors[bin] = (powers.prior - 1) * at(logPrior, bin) + powers.evidence * at(evidence, bin);
    }
    let greatest = -Infinity;
    for (let bin = 0; bin < binCount; bin++) greatest = Math.max(greatest, at(factors, bin));
    return factors.map((value) => value - greatest);
  }

  /** Judges all powers by what came. */
  judge(sample: ProbeSample): void {
    for (const [index, { prior, evidence }] of choices.entries()) {
      for (let bin = 0; bin < binCount; bin++) {
        this.#logs[bin] = prior * at(sample.logPrior, bin) + evidence * at(sample.evidence, bin);
      }
      softMax(this.#logs, this.#masses);
      const loss = -Math.log(Math.max(chanceMin, chanceOf(this.#masses, sample)));
      const known = at(this.#losses, index);
      this.#losses[index] = known + (loss - known) / memorySamples;
    }
  }
}
