import { expect, test } from "vitest";
import { Random, type LatencyCoefficients } from "@loci/core";
import { PresentColumns } from "../members/present-columns.ts";
import { RoutedWorker } from "../members/routed-worker.ts";
import { workerFacts, workerLoad } from "../testing/router-fixtures.ts";
import { WorkerPrices, workerPrices } from "./worker-prices.ts";

const present = new PresentColumns(8);

function worker(slot: number, answered: number, secondsPerToken: number | null): RoutedWorker {
  const made = new RoutedWorker(workerFacts(String(slot)), { slot, present }, 0, null);
  made.answered = answered;
  const latency = secondsPerToken === null ? null : priceOf(secondsPerToken);
  made.reported(workerLoad({ latency }), 0);
  return made;
}

function priceOf(secondsPerToken: number): LatencyCoefficients {
  const secondsPerStep = 10 * secondsPerToken;
  return { secondsPerStep, secondsPerToken, secondsPerAttended: 1e-9, secondsPerSequence: 1e-5 };
}

function tokenPrices(workers: readonly RoutedWorker[]): number[] {
  return workerPrices(workers).map(({ secondsPerToken }) => secondsPerToken);
}

test("a worker is taken at its word once it has answered some, and by the others' until then", () => {
  const known = [worker(0, 3, 0.004), worker(1, 9, 0.002), worker(2, 5, 0.003)];
  expect(tokenPrices(known)).toEqual([0.004, 0.002, 0.003]);
  expect(tokenPrices([...known, worker(3, 2, 0.1), worker(4, 0, null)])).toEqual([
    0.004, 0.002, 0.003, 0.003, 0.003,
  ]);
});

test("nobody is believed to be more than twice as fast as the usual one", () => {
  expect(tokenPrices([worker(0, 3, 1), worker(1, 3, 1), worker(2, 3, 0.1)])).toEqual([1, 1, 0.5]);
});

test("where nobody has experience any word counts, and then what engines assume", () => {
  const heard = [worker(0, 0, 0.3), worker(1, 1, 0.1), worker(2, 2, null), worker(3, 0, 0.2)];
  expect(tokenPrices(heard)).toEqual([0.2, 0.2, 0.2, 0.2]);
  expect(tokenPrices([worker(0, 9, null)])).toEqual([0.001]);
});

test("what is kept from decision to decision is what would be looked at anew", () => {
  const random = new Random(1);
  const kept = new WorkerPrices();
  const workers = Array.from({ length: 8 }, (_, slot) => worker(slot, 0, null));
  for (let step = 0; step < 500; step++) {
    const one = workers[random.integer(0, 7)];
    if (one !== undefined && random.next() < 0.5) one.answered = random.integer(0, 5);
    else one?.reported(workerLoad({ latency: priceOf(random.next()) }), step);
    const first = random.integer(0, 2);
    const some = workers.slice(first, first + random.integer(1, 6));
    kept.look(some);
    expect(some.map((_, index) => ({ ...kept.at(index) }))).toEqual(workerPrices(some));
  }
});
