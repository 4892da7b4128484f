// Notices that traffic has changed: the levels at which answers fall should be spread evenly over
// [0, 1]. Over a short window, their share within the 90 % interval, their mean and their distance
// from the middle leave the band of chance only when the beliefs no longer fit.

import { assert } from "@loci/core";
import { at64 } from "../at.ts";

const windowAnswers = 64;
/** About three and a half standard deviations of each, over a window. */
const coverageMin = 0.78;
const meanOff = 0.13;
const distanceOff = 0.065;

export class DriftWatch {
  readonly #levels = new Float64Array(windowAnswers);
  #seen = 0;

  /**
   * Adds an answer's level. When the window is full and out of its band: the share of its answers
   * within the 90 % interval; and the window begins anew. Null otherwise.
   */
  notice(level: number): number | null {
    assert(level >= 0 && level <= 1, "a level is in [0, 1]");
    this.#levels[this.#seen % windowAnswers] = level;
    this.#seen++;
    if (this.#seen < windowAnswers) return null;
    let sum = 0;
    let distance = 0;
    let covered = 0;
    for (let i = 0; i < windowAnswers; i++) {
      const each = at64(this.#levels, i);
      sum += each;
      distance += Math.abs(each - 0.5);
      if (each >= 0.05 && each <= 0.95) covered++;
    }
    const isOff =
      covered / windowAnswers < coverageMin ||
      Math.abs(sum / windowAnswers - 0.5) > meanOff ||
      Math.abs(distance / windowAnswers - 0.25) > distanceOff;
    if (!isOff) return null;
    this.#seen = 0;
    return covered / windowAnswers;
  }
}
