// What the processes of a random world share: time, the network, and each other.

import type { Random } from "@loci/core";
import type { TimeQueue } from "../../run/time-queue.ts";
import type { FaultRouter } from "./fault-router.ts";
import type { FaultWorker } from "./fault-worker.ts";
import type { WorldNetwork } from "./world-network.ts";
import type { Deed } from "./world-process.ts";

/** A deliberate mistake of the world, for tests of its own eyes. */
export type FaultSabotage = "none" | "forget-token" | "deaf";

export interface FaultWorldParts {
  /** forget-token: what was delivered is told without its last token; deaf: snapshots are not heard. */
  readonly sabotage: FaultSabotage;
  readonly queue: TimeQueue<Deed>;
  readonly network: WorldNetwork;
  readonly random: Random;
  readonly now: () => number;
  readonly routers: readonly FaultRouter[];
  readonly workers: readonly FaultWorker[];
  /** Its clients notice. */
  readonly routerDied: (router: FaultRouter) => void;
}
