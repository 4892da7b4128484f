// The engines of a router by their addresses: made as its directories name them, found again by those
// who pass requests through.

import type { WorkerAddress } from "@loci/cluster";
import { assert } from "@loci/core";
import { ForeignWorker } from "./foreign-worker.ts";
import type { ForeignWorkerOptions } from "./foreign-options.ts";

export interface ForeignWorkersOptions extends Omit<
  ForeignWorkerOptions,
  "address" | "events" | "seed"
> {
  readonly seed: number;
  /** Where the engine at an address publishes its cache events; null: nowhere. */
  readonly eventsOf?: (address: WorkerAddress) => ForeignWorkerOptions["events"] | null;
}

export class ForeignWorkers {
  readonly #options: ForeignWorkersOptions;
  readonly #workers = new Map<string, ForeignWorker>();
  #made = 0;

  constructor(options: ForeignWorkersOptions) {
    this.#options = options;
  }

  /** For openCluster. Who was at the address before is replaced. */
  readonly connect = (address: WorkerAddress): ForeignWorker => {
    const { eventsOf, seed, ...common } = this.#options;
    const events = eventsOf?.(address) ?? null;
    const worker = new ForeignWorker({
      ...common,
      address,
      seed: seed + this.#made++,
      ...(events === null ? {} : { events }),
    });
    this.#workers.set(address.url, worker);
    return worker;
  };

  /** By its id, which is its address. */
  get(workerId: string): ForeignWorker | null {
    return this.#workers.get(workerId) ?? null;
  }

  checkIntegrity(): void {
    for (const [url, worker] of this.#workers) {
      assert(worker.url === url, "engines are found by their address");
      worker.checkIntegrity();
    }
  }
}
