// What an operator may see of a cluster and do to it, on a listener of its own.

import type { ClusterSnapshot } from "./cluster-snapshot.ts";

export interface ClusterAdmin {
  cluster(): ClusterSnapshot;
  /** Where a recent request went and why, as plain JSON; null when it is not remembered. */
  placement(requestId: string): object | null;
  /** The worker takes nothing new and ends when it is done. False when there is none of that name. */
  drain(workerId: string): Promise<boolean>;
}
