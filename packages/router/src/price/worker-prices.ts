// What work costs on each worker: by its own word once it has answered a few requests; until then as
// on the others, so that a new worker is neither shunned nor flooded for what it does not know yet.

import { defined, type LatencyCoefficients } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";
import { lowerMedian } from "./lower-median.ts";

/** The engine's own prior: believed when nobody knows better. */
export const priorPrice: LatencyCoefficients = {
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

/** By index in `workers`. */
export function workerPrices(workers: readonly RoutedWorker[]): LatencyCoefficients[] {
  const known = workers.map(experienced);
  const said = known.filter((price) => price !== null);
  if (said.length === 0) {
    const first = firstPrice(workers);
    return workers.map(() => first);
  }
  const usual = median(said);
  return known.map((own) => (own === null ? usual : atLeast(own, usual)));
}

/** By its own word, for want of others to compare with. */
export function loneWorkerPrice({ load }: RoutedWorker): LatencyCoefficients {
  return load?.latency ?? priorPrice;
}

function atLeast(own: LatencyCoefficients, usual: LatencyCoefficients): LatencyCoefficients {
  const { secondsPerStep, secondsPerToken, secondsPerAttended, secondsPerSequence } = usual;
  const isPlausible =
    own.secondsPerStep >= secondsPerStep / fasterMax &&
    own.secondsPerToken >= secondsPerToken / fasterMax &&
    own.secondsPerAttended >= secondsPerAttended / fasterMax &&
    own.secondsPerSequence >= secondsPerSequence / fasterMax;
  if (isPlausible) return own;
  return {
    secondsPerStep: Math.max(own.secondsPerStep, secondsPerStep / fasterMax),
    secondsPerToken: Math.max(own.secondsPerToken, secondsPerToken / fasterMax),
    secondsPerAttended: Math.max(own.secondsPerAttended, secondsPerAttended / fasterMax),
    secondsPerSequence: Math.max(own.secondsPerSequence, secondsPerSequence / fasterMax),
  };
}

function experienced({ load, answered }: RoutedWorker): LatencyCoefficients | null {
  return load === null || answered < answersMin ? null : load.latency;
}

/** Of any word at all when nobody has experience. */
function firstPrice(workers: readonly RoutedWorker[]): LatencyCoefficients {
  const said = workers.map(({ load }) => load?.latency ?? null).filter((price) => price !== null);
  return said.length > 0 ? median(said) : priorPrice;
}

/** Coefficient by coefficient; of an even number the faster one. */
function median(prices: readonly LatencyCoefficients[]): LatencyCoefficients {
  const values = new Float64Array(prices.length);
  const of = (key: keyof LatencyCoefficients): number => {
    for (let index = 0; index < values.length; index++) values[index] = defined(prices[index])[key];
    return lowerMedian(values);
  };
  return {
    secondsPerStep: of("secondsPerStep"),
    secondsPerToken: of("secondsPerToken"),
    secondsPerAttended: of("secondsPerAttended"),
    secondsPerSequence: of("secondsPerSequence"),
  };
}
