// The requests that were placed and have not ended: their number is bounded, in all and for each
// payer, and who comes beyond a bound is told when to come again.

import { assert, LociError } from "@loci/core";
import type { RouteRequest } from "../placement.ts";
import type { CountsNow } from "../looking/router-counts.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { RouterOptions } from "../router-options.ts";
import type { LiveRequest } from "./live-request.ts";

/** A full router asks nobody to come back later than so. */
const retrySecondsMax = 60;

export class LiveRequests {
  readonly #requestsMax: number;
  readonly #payerRequestsMax: number | null;
  readonly #counts: CountsNow;
  readonly #live = new Map<string, LiveRequest>();
  /** How many, by payer. */
  readonly #payers = new Map<string, number>();

  constructor(options: RouterOptions, counts: CountsNow) {
    this.#requestsMax = options.requestsMax;
    this.#payerRequestsMax = options.tenantRequestsMax;
    this.#counts = counts;
  }

  get count(): number {
    return this.#live.size;
  }

  get(requestId: string): LiveRequest | undefined {
    return this.#live.get(requestId);
  }

  /** Oldest first. */
  values(): Iterable<LiveRequest> {
    return this.#live.values();
  }

  /** Throws LociError `queue_full` when there is no room for this request. */
  requireRoom(request: RouteRequest, waitSeconds: () => number): void {
    const payerRequests = this.#payers.get(request.payer ?? request.tenant) ?? 0;
    if (this.#live.size >= this.#requestsMax) {
      this.#counts.refusedFull++;
      throw full(
        "The cluster has as many requests as it can have.",
        "Try again later.",
        waitSeconds(),
      );
    }
    if (this.#payerRequestsMax === null || payerRequests < this.#payerRequestsMax) return;
    this.#counts.refusedTenant++;
    throw full(
      `You have ${payerRequests} requests under way, which is the most.`,
      "Wait until one of them ends.",
      waitSeconds(),
    );
  }

  add(live: LiveRequest): void {
    this.#live.set(live.request.id, live);
    this.#payers.set(live.payer, (this.#payers.get(live.payer) ?? 0) + 1);
  }

  remove(live: LiveRequest): void {
    this.#live.delete(live.request.id);
    const left = (this.#payers.get(live.payer) ?? 0) - 1;
    if (left > 0) this.#payers.set(live.payer, left);
    else this.#payers.delete(live.payer);
  }

  /** `workers`: all that are known. */
  checkIntegrity(workers: Iterable<RoutedWorker>): void {
    for (const { requests } of workers) {
      for (const live of requests) {
        assert(this.#live.get(live.request.id) === live, "a worker's requests are live");
      }
    }
    assert(this.#live.size <= this.#requestsMax, "live requests are bounded");
    const payers = new Map<string, number>();
    for (const { payer, worker, waitsSinceMs } of this.#live.values()) {
      payers.set(payer, (payers.get(payer) ?? 0) + 1);
      assert((worker === null) === (waitsSinceMs !== null), "a request has a worker or waits");
    }
    assert(payers.size === this.#payers.size, "payers are those of live requests");
    for (const [payer, count] of payers) {
      assert(this.#payers.get(payer) === count, "a payer's requests are counted");
    }
  }
}

function full(message: string, remedy: string, waitSeconds: number): LociError {
  const retryAfterSeconds = Math.min(retrySecondsMax, Math.max(1, Math.ceil(waitSeconds)));
  return new LociError("queue_full", message, { remedy, retryAfterSeconds });
}
