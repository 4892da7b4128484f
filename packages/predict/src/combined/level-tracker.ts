// Where the quantiles that a predictor names really lie. For each level a knot moves up when fewer
// answers than it says fall below it and down when more do (adaptive conformal inference): at rest,
// the share below is the level, whatever the predictor says and however traffic moves.
//
//   map: 0 ── knot of 5 % ── knot of 25 % ── ... ── knot of 95 % ── 1    what the predictor says
//        0 ──     5 %     ──     25 %     ── ... ──     95 %     ── 1    what is so

import { assert } from "@loci/core";
import { at64 } from "../at.ts";
import type { StateReader, StateWriter } from "../state/state-bytes.ts";

const levels: Float64Array = Float64Array.of(0.05, 0.25, 0.5, 0.75, 0.95);
/** Between knots, and between a knot and 0 or 1: a map always rises. */
const gapMin = 1e-6;
/** A knot at its own level moves by so much of an answer; steps shrink with the answers seen. */
const stepMin = 0.005;
const hastyFactor = 6;
const hastyAnswers = 100;
const answersMax = 1e6;

export class LevelTracker {
  readonly #knots = Float64Array.from(levels);
  #answers = 0;
  #hastyLeft = 0;

  /** The true level of what the predictor calls `said`. */
  levelOf(said: number): number {
    let fromKnot = 0;
    let fromLevel = 0;
    for (let i = 0; i < levels.length; i++) {
      const knot = at64(this.#knots, i);
      const level = at64(levels, i);
      if (said <= knot)
        return fromLevel + ((said - fromKnot) * (level - fromLevel)) / (knot - fromKnot);
      fromKnot = knot;
      fromLevel = level;
    }
    return Math.min(1, fromLevel + ((said - fromKnot) * (1 - fromLevel)) / (1 - fromKnot));
  }

  /** The answer fell at the level that the predictor calls `said`; or somewhere above, if cut. */
  learn(said: number, isCensored: boolean): void {
    const step = this.#step();
    const reached = this.levelOf(said);
    for (let i = 0; i < levels.length; i++) {
      const level = at64(levels, i);
      const below = isCensored
        ? Math.max(0, level - reached) / Math.max(gapMin, 1 - reached)
        : Number(said <= at64(this.#knots, i));
      // In log odds, so that a knot can come as near to 0 or 1 as it must.
      const knot = at64(this.#knots, i);
      const change = (step * (level - below)) / (level * (1 - level));
      const odds = (knot / (1 - knot)) * Math.exp(change);
      this.#knots[i] = odds / (1 + odds);
    }
    this.#keepRising();
  }

  /** Traffic has changed: large steps for a while. */
  hasten(): void {
    this.#hastyLeft = hastyAnswers;
  }

  write(writer: StateWriter): void {
    writer.numbers(this.#knots);
    writer.whole(this.#answers);
  }

  read(reader: StateReader): void {
    const count = { min: levels.length, max: levels.length };
    const knots = reader.numbers(count, { min: 0, max: 1 });
    this.#answers = reader.whole({ min: 0, max: answersMax });
    this.#knots.set(knots);
    this.#keepRising();
  }

  checkIntegrity(): void {
    let last = 0;
    for (const knot of this.#knots) {
      assert(knot > last && knot < 1, "knots rise between 0 and 1");
      last = knot;
    }
  }

  #step(): number {
    const step = Math.max(stepMin, 0.5 * (this.#answers + 10) ** -0.7);
    this.#answers = Math.min(this.#answers + 1, answersMax);
    if (this.#hastyLeft === 0) return step;
    this.#hastyLeft--;
    return Math.max(step, stepMin * hastyFactor);
  }

  #keepRising(): void {
    let floor = 0;
    for (let i = 0; i < levels.length; i++) {
      floor = Math.max(at64(this.#knots, i), floor + gapMin);
      this.#knots[i] = floor;
    }
    let ceiling = 1;
    for (let i = levels.length - 1; i >= 0; i--) {
      ceiling = Math.min(at64(this.#knots, i), ceiling - gapMin);
      this.#knots[i] = ceiling;
    }
  }
}
