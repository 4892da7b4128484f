// Where workers come from: a list, supervised processes, NATS, Kubernetes. A directory only knows
// addresses; who a worker is, it says itself once it is connected to.

import type { WorkerAddress } from "../address/worker-address.ts";

export interface DirectoryListener {
  /** A worker can be reached there. Told once for each `url` until it leaves. */
  onJoin(address: WorkerAddress): void;
  /** Nobody is there any more; `url` as it joined. */
  onLeave(url: string): void;
}

export interface WorkerDirectory {
  /**
   * Tells who is there now, at once or later, and every change from then on. The returned function
   * ends that. One listener at a time.
   */
  watch(listener: DirectoryListener): () => void;
}
