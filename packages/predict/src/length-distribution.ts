// What is believed of an answer's length: P(L > tokens) at the edges of a fixed grid, linear
// between, cut to [low, high]. The cut is what keeps bounds and certainties exact: an answer ends
// at its limit and no later, and a point mass is a cut of nothing at all.
//
//   tokens   0 ........ low ............................... high .......
//   P(L > t) 1 1 1 1 1 1 | values, falling, linear in bins | 0 0 0 0 0 0
//
// Outside of the cut the values may be anything that falls: they only carry the line of their bin.

import { assert, defined } from "@loci/core";
import { at64, atPlain } from "./at.ts";
import { binOf, blankValues, edgeCount, edges, inverseWidths, lengthMax } from "./length-grid.ts";

/** Below this much left, a condition says more than the distribution does: see `longerThan`. */
const certaintyMin = 1e-9;

/** One part of a mixture; weights need not sum to 1. */
export interface LengthPart {
  readonly weight: number;
  readonly distribution: LengthDistribution;
}

/** A quantile: P(L <= tokens) = level. */
export interface LengthQuantile {
  readonly level: number;
  readonly tokens: number;
}

/**
 * Distribution over whole token counts in [1, 2^20]; immutable. Token counts given to its methods
 * are whole numbers.
 */
export class LengthDistribution {
  /** Least and greatest length with any mass. */
  readonly low: number;
  readonly high: number;
  /** One value per edge; null for a point mass, which needs none. */
  readonly #values: readonly number[] | null;
  #mean = Number.NaN;

  private constructor(values: readonly number[] | null, low: number, high: number) {
    assert(low >= 1 && high <= lengthMax && low <= high, "a length distribution has bounds");
    this.low = low;
    this.high = high;
    this.#values = low === high ? null : values;
    assert(this.#values !== null || low === high, "only a point mass needs no values");
  }

  /** Certainty; exact. */
  static point(tokens: number): LengthDistribution {
    const whole = clampLength(tokens);
    return new LengthDistribution(null, whole, whole);
  }

  /** Every count in [low, high] alike; exact. */
  static uniform(low: number, high: number): LengthDistribution {
    const first = clampLength(low);
    const last = clampLength(high);
    assert(first <= last, "a range has its ends in order");
    const values = blankValues();
    for (let i = 0; i < edgeCount; i++) values[i] = (last - at64(edges, i)) / (last - first + 1);
    return new LengthDistribution(values, first, last);
  }

  /**
   * From any falling function `survivalAt(tokens)` = P(L > tokens), read at the edges only; values
   * outside [0, 1] and rises are smoothed away.
   */
  static fromSurvival(survivalAt: (tokens: number) => number): LengthDistribution {
    const values = blankValues();
    for (let i = 1; i < edgeCount; i++) values[i] = survivalAt(at64(edges, i));
    return LengthDistribution.fromEdges(values);
  }

  /** The same by its values at the edges of the grid, which are kept and may be changed. */
  static fromEdges(values: number[]): LengthDistribution {
    assert(values.length === edgeCount, "each edge has a value");
    values[0] = 1;
    let lowest = 1;
    /** Last edge that nearly every answer passes, first one that none does. */
    let sure = 0;
    let ended = edgeCount;
    for (let i = 1; i < edgeCount; i++) {
      const value = atPlain(values, i);
      assert(!Number.isNaN(value), "a survival probability is a number");
      lowest = Math.max(0, Math.min(lowest, value));
      values[i] = lowest;
      if (lowest === 1) sure = i;
      if (lowest === 0 && ended === edgeCount) ended = i;
    }
    const low = Math.min(at64(edges, sure) + 1, lengthMax);
    return new LengthDistribution(values, low, ended < edgeCount ? at64(edges, ended) : lengthMax);
  }

  /** The first `count` lengths as seen, all alike or by weight; at least one with a weight above 0. */
  static fromSamples(
    samples: ArrayLike<number>,
    weights?: ArrayLike<number>,
    count: number = samples.length,
  ): LengthDistribution {
    const values = blankValues();
    let low = lengthMax;
    let high = 1;
    let total = 0;
    for (let i = 0; i < count; i++) {
      const weight = weights === undefined ? 1 : (weights[i] ?? Number.NaN);
      if (weight === 0) continue;
      assert(weight > 0, "a weight is a number from 0 on");
      const tokens = clampLength(samples[i] ?? Number.NaN);
      if (tokens < low) low = tokens;
      if (tokens > high) high = tokens;
      total += weight;
      const bin = binOf(tokens - 1);
      values[bin] = (values[bin] ?? 0) + weight;
    }
    assert(total > 0 && Number.isFinite(total), "a distribution is made of at least one sample");
    let above = 0;
    for (let i = edgeCount - 1; i >= 0; i--) {
      above += values[i] ?? 0;
      values[i] = above / total;
    }
    return new LengthDistribution(values, low, high);
  }

  /**
   * Through quantiles in rising order of level, in (0, 1), and tokens; straight between in the
   * logarithm of tokens. Below the first: down to 1 token. Above the last: a Pareto tail.
   */
  static fromQuantiles(quantiles: readonly LengthQuantile[]): LengthDistribution {
    assert(quantiles.length > 0, "at least one quantile");
    const logs = quantiles.map(({ tokens }) => Math.log(Math.max(1, tokens)));
    const levels = quantiles.map(({ level }) => level);
    assert(
      levels.every((level, i) => level > (levels[i - 1] ?? 0) && level < 1),
      "levels rise in (0, 1)",
    );
    return LengthDistribution.fromSurvival((tokens) => 1 - levelAt(Math.log(tokens), logs, levels));
  }

  /** Weighted mean of distributions; at least one weight is above 0. */
  static mixture(parts: readonly LengthPart[]): LengthDistribution {
    let only: LengthDistribution | null = null;
    let used = 0;
    let low = lengthMax;
    let high = 1;
    let total = 0;
    for (const { weight, distribution } of parts) {
      assert(weight >= 0 && Number.isFinite(weight), "a weight is a number from 0 on");
      if (weight === 0) continue;
      only ??= distribution;
      used++;
      low = Math.min(low, distribution.low);
      high = Math.max(high, distribution.high);
      total += weight;
    }
    assert(only !== null, "a mixture has a part with weight");
    if (used === 1 || low === high) return only;
    const values = blankValues();
    const firstBin = binOf(low) + 1;
    const lastBin = binOf(high - 1);
    let start = 0;
    let end = 0;
    for (const { weight, distribution } of parts) {
      distribution.#addTo(values, weight, firstBin, lastBin);
      start += weight * distribution.survival(low);
      end += weight * distribution.survival(high - 1);
    }
    for (let bin = firstBin; bin <= lastBin; bin++) values[bin] = (values[bin] ?? 0) / total;
    return LengthDistribution.#cut(
      values,
      { tokens: low, survival: start / total },
      { tokens: high - 1, survival: end / total },
    );
  }

  /** Adds `weight` times P(L > edge) to the value of each edge from `firstBin` to `lastBin`. */
  #addTo(values: number[], weight: number, firstBin: number, lastBin: number): void {
    const own = this.#values;
    const sureBin = Math.min(lastBin, binOf(this.low - 1));
    const ownBin = Math.min(lastBin, binOf(this.high - 1));
    let bin = firstBin;
    for (; bin <= sureBin; bin++) values[bin] = (values[bin] ?? 0) + weight;
    if (own === null) return;
    for (; bin <= ownBin; bin++) values[bin] = (values[bin] ?? 0) + weight * (own[bin] ?? 0);
  }

  /**
   * From P(L > tokens) within a cut, exact at both of its ends: `values` has it at the edges between
   * `start` and `end`, and the lines of the bins that the cut ends in are drawn through.
   */
  static #cut(values: number[], start: Place, end: Place): LengthDistribution {
    const low = start.tokens;
    const last = end.tokens;
    const firstBin = binOf(low);
    const lastBin = binOf(last);
    const inside = { tokens: at64(edges, firstBin + 1), survival: atPlain(values, firstBin + 1) };
    const second = firstBin === lastBin ? end : inside;
    values.fill(lineAt(start, second, at64(edges, firstBin)), 0, firstBin + 1);
    const outside = { tokens: at64(edges, lastBin), survival: atPlain(values, lastBin) };
    values.fill(lineAt(outside, end, at64(edges, lastBin + 1)), lastBin + 1);
    return new LengthDistribution(values, low, last + 1);
  }

  /** P(L > tokens). The hot path: a table lookup and one line. */
  survival(tokens: number): number {
    if (tokens < this.low) return 1;
    if (tokens >= this.high) return 0;
    const values = this.#values;
    if (values === null) return 0;
    const bin = binOf(tokens);
    const from = atPlain(values, bin);
    const to = atPlain(values, bin + 1);
    return from + (to - from) * (tokens - at64(edges, bin)) * at64(inverseWidths, bin);
  }

  /**
   * P(L > generated + ahead | L > generated). Where `generated` is beyond all that was believed:
   * the heavy tail of `longerThan`.
   */
  survivalRatio(generated: number, ahead: number): number {
    const left = this.survival(generated);
    if (left > certaintyMin) return this.survival(generated + ahead) / left;
    return heavyTail(generated, generated + ahead);
  }

  /** The smallest count with P(L <= count) >= `level`; `level` in [0, 1]. */
  quantile(level: number): number {
    assert(level >= 0 && level <= 1, "a level is in [0, 1]");
    const values = this.#values;
    if (values === null || level === 0) return this.low;
    const left = 1 - level + 1e-12;
    let under = 0;
    let over = edgeCount - 1;
    while (over - under > 1) {
      const middle = (under + over) >> 1;
      if (atPlain(values, middle) <= left) over = middle;
      else under = middle;
    }
    const from = atPlain(values, under);
    const slope = (from - atPlain(values, over)) * at64(inverseWidths, under);
    const inside = slope > 0 ? Math.ceil((from - left) / slope) : 0;
    const found = at64(edges, under) + inside;
    return Math.max(this.low, Math.min(this.high, found));
  }

  /** Expected length. */
  get mean(): number {
    if (Number.isNaN(this.#mean)) this.#mean = this.low + this.#sum(this.low, this.high);
    return this.#mean;
  }

  /** Expected length of an answer that is cut at `max`. */
  meanWithin(max: number): number {
    if (max <= this.low) return max;
    return this.low + this.#sum(this.low, Math.min(max, this.high));
  }

  /** Expected tokens still to come when `generated` are there and the end has not come. */
  remainingMean(generated: number): number {
    const left = this.survival(generated);
    if (left <= certaintyMin) return Math.min(generated + 1.5, Math.max(1, lengthMax - generated));
    const from = Math.max(generated, this.low);
    return from - generated + this.#sum(from, this.high) / left;
  }

  /**
   * Given that the answer is longer than `generated`. Beyond all that was believed, the answer is
   * a kind never seen: P(L > t) = ((generated + 1) / (t + 1))^2, which expects as much again.
   */
  longerThan(generated: number): LengthDistribution {
    if (generated < this.low) return this;
    if (generated + 1 >= lengthMax) return LengthDistribution.point(lengthMax);
    const left = this.survival(generated);
    if (left <= certaintyMin) {
      return new LengthDistribution(heavyValues(generated), generated + 1, lengthMax);
    }
    const values = defined(this.#values).map((value) => value / left);
    return new LengthDistribution(values, generated + 1, this.high);
  }

  /** All mass below `min` moves to `min`, all above `max` to `max`: answers are cut there. */
  within(min: number, max: number): LengthDistribution {
    const least = clampLength(min);
    const most = Math.max(least, clampLength(max));
    if (least <= this.low && most >= this.high) return this;
    const low = Math.min(most, Math.max(least, this.low));
    const high = Math.min(most, Math.max(least, this.high));
    return new LengthDistribution(this.#values, low, high);
  }

  /**
   * With every P(L <= t) mapped by `levelOf`, which rises from 0 at 0 to 1 at 1; bounds stay, a
   * point mass stays itself.
   */
  mapped(levelOf: (level: number) => number): LengthDistribution {
    if (this.#values === null) return this;
    const values = blankValues();
    const lastBin = binOf(this.high - 1);
    for (let bin = binOf(this.low) + 1; bin <= lastBin; bin++) {
      values[bin] = 1 - levelOf(1 - (this.#values[bin] ?? 0));
    }
    const last = this.high - 1;
    return LengthDistribution.#cut(
      values,
      { tokens: this.low, survival: 1 - levelOf(1 - this.survival(this.low)) },
      { tokens: last, survival: 1 - levelOf(1 - this.survival(last)) },
    );
  }

  /** Sum of P(L > t) over whole t in [from, to), both within [low, high]. */
  #sum(from: number, to: number): number {
    let sum = 0;
    let start = from;
    while (start < to) {
      const end = Math.min(to, defined(edges[binOf(start) + 1]));
      sum += ((end - start) * (this.survival(start) + this.survival(end - 1))) / 2;
      start = end;
    }
    return sum;
  }
}

interface Place {
  readonly tokens: number;
  readonly survival: number;
}

/** The line through two places, read at `tokens`; level where they are one. */
function lineAt(one: Place, two: Place, tokens: number): number {
  if (one.tokens === two.tokens) return one.survival;
  const slope = (two.survival - one.survival) / (two.tokens - one.tokens);
  return one.survival + slope * (tokens - one.tokens);
}

function clampLength(tokens: number): number {
  assert(!Number.isNaN(tokens), "a length is a number");
  return (Math.max(1, Math.min(lengthMax, tokens)) + 0.5) | 0;
}

function heavyTail(generated: number, tokens: number): number {
  const ratio = (generated + 1) / (tokens + 1);
  return ratio * ratio;
}

/** The heavy tail at the edges; the line of the bin of `generated` passes through 1 there. */
function heavyValues(generated: number): number[] {
  const bin = binOf(generated);
  const values = blankValues();
  for (let i = bin + 1; i < edgeCount; i++) values[i] = heavyTail(generated, at64(edges, i));
  const share = (generated - at64(edges, bin)) * at64(inverseWidths, bin);
  values.fill(1 + ((1 - atPlain(values, bin + 1)) * share) / (1 - share), 0, bin + 1);
  return values;
}

/** P(L <= exp(log)) of the line through `logs` and `levels`, both rising. */
function levelAt(log: number, logs: readonly number[], levels: readonly number[]): number {
  const last = logs.length - 1;
  const lastLog = defined(logs[last]);
  if (log >= lastLog) return 1 - (1 - defined(levels[last])) * Math.exp(-2 * (log - lastLog));
  const above = logs.findIndex((each) => each > log);
  const fromLog = above === 0 ? 0 : defined(logs[above - 1]);
  const fromLevel = above === 0 ? 0 : defined(levels[above - 1]);
  const share = (log - fromLog) / (defined(logs[above]) - fromLog);
  return fromLevel + share * (defined(levels[above]) - fromLevel);
}
