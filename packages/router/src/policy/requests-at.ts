// How many requests a worker has: ours as they are now, and those that its last report shows to be
// somebody else's.

import type { RoutedWorker } from "../members/routed-worker.ts";

export function requestsAt(worker: RoutedWorker): number {
  return worker.requests.size + othersAt(worker);
}

/** Requests that other routers sent there, as of the last report. */
export function othersAt(worker: RoutedWorker): number {
  const { load, requestsAtReport } = worker;
  if (load === null) return 0;
  return Math.max(0, load.requestsRunning + load.requestsWaiting - requestsAtReport);
}
