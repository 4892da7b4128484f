// What work costs on each worker: by its own word once it has answered a few requests; until then as
// on the others, so that a new worker is neither shunned nor flooded for what it does not know yet.

import { defined, type LatencyCoefficients, type WorkerLoad } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { lowerMedian } from "./lower-median.ts";

/** The engine's own prior: believed when nobody knows better. */
const priorPrice: LatencyCoefficients = {
  secondsPerStep: 0.01,
  secondsPerToken: 0.001,
  secondsPerAttended: 2e-8,
  secondsPerSequence: 1e-5,
};

/** From so many answers on, a worker has been busy long enough to know itself. */
const answersMin = 3;

/**
 * A worker is not believed to be more than so many times as fast as the usual one: one that has only
 * seen small steps may take tokens for free, and a whole burst would go there.
 */
const fasterMax = 2;

/** What a worker says of itself: nothing, something, what it has learned. */
type Trust = "none" | "heard" | "experienced";

/** By index in `workers`. */
export function workerPrices(workers: readonly RoutedWorker[]): LatencyCoefficients[] {
  const prices = new WorkerPrices();
  prices.look(workers);
  return workers.map((_, index) => ({ ...prices.at(index) }));
}

/** By its own word, for want of others to compare with. */
export function loneWorkerPrice({ load }: RoutedWorker): LatencyCoefficients {
  return load?.latency ?? priorPrice;
}

/** Prices for one decision after the other: only what changed since the last is looked at anew. */
export class WorkerPrices {
  /** By index: the worker's last report, and how much its word is worth. */
  readonly #loads: (WorkerLoad | null)[] = [];
  readonly #trust: Trust[] = [];
  /** What it said: four coefficients each. */
  #said = new Float64Array(0);
  #scratch = new Float64Array(0);
  readonly #usual = { ...priorPrice };
  readonly #own = { ...priorPrice };

  /** From now on `at` is about these workers. */
  look(workers: readonly RoutedWorker[]): void {
    const count = workers.length;
    let hasChanged = count !== this.#loads.length;
    if (hasChanged) this.#begin(count);
    for (let index = 0; index < count; index++) {
      const worker = defined(workers[index]);
      // With the same report, trust grows only by answers.
      const isTrustAsBefore = this.#trust[index] !== "heard" || worker.answered < answersMin;
      if (worker.load === this.#loads[index] && isTrustAsBefore) continue;
      this.#loads[index] = worker.load;
      this.#trust[index] = trustIn(worker);
      if (worker.load?.latency != null) write(this.#said, index, worker.load.latency);
      hasChanged = true;
    }
    if (hasChanged) this.#findUsual();
  }

  /** By index in the workers; rewritten by the next call. */
  at(index: number): LatencyCoefficients {
    const usual = this.#usual;
    if (this.#trust[index] !== "experienced") return usual;
    const own = this.#own;
    const start = 4 * index;
    own.secondsPerStep = Math.max(at(this.#said, start), usual.secondsPerStep / fasterMax);
    own.secondsPerToken = Math.max(at(this.#said, start + 1), usual.secondsPerToken / fasterMax);
    own.secondsPerAttended = Math.max(
      at(this.#said, start + 2),
      usual.secondsPerAttended / fasterMax,
    );
    own.secondsPerSequence = Math.max(
      at(this.#said, start + 3),
      usual.secondsPerSequence / fasterMax,
    );
    return own;
  }

  #begin(count: number): void {
    this.#loads.length = 0;
    for (let index = 0; index < count; index++) this.#loads.push(null);
    this.#trust.length = 0;
    for (let index = 0; index < count; index++) this.#trust.push("none");
    if (this.#said.length < 4 * count) this.#said = new Float64Array(4 * count);
    if (this.#scratch.length < count) this.#scratch = new Float64Array(count);
  }

  /** Of those with experience; of any word at all when nobody has. */
  #findUsual(): void {
    const trust = this.#trust.includes("experienced") ? "experienced" : "heard";
    const usual = this.#usual;
    usual.secondsPerStep = this.#median(trust, 0) ?? priorPrice.secondsPerStep;
    usual.secondsPerToken = this.#median(trust, 1) ?? priorPrice.secondsPerToken;
    usual.secondsPerAttended = this.#median(trust, 2) ?? priorPrice.secondsPerAttended;
    usual.secondsPerSequence = this.#median(trust, 3) ?? priorPrice.secondsPerSequence;
  }

  /** Of a coefficient over those trusted so; of an even number the faster one; null for nobody. */
  #median(trust: Trust, coefficient: number): number | null {
    let count = 0;
    for (let index = 0; index < this.#trust.length; index++) {
      if (this.#trust[index] !== trust) continue;
      this.#scratch[count++] = at(this.#said, 4 * index + coefficient);
    }
    return count === 0 ? null : lowerMedian(this.#scratch, count);
  }
}

function trustIn({ load, answered }: RoutedWorker): Trust {
  if (load === null || load.latency === null) return "none";
  return answered < answersMin ? "heard" : "experienced";
}

function write(said: Float64Array, index: number, price: LatencyCoefficients): void {
  said[4 * index] = price.secondsPerStep;
  said[4 * index + 1] = price.secondsPerToken;
  said[4 * index + 2] = price.secondsPerAttended;
  said[4 * index + 3] = price.secondsPerSequence;
}

function at(values: Float64Array, index: number): number {
  return values[index] ?? 0;
}
