// Waiting until a cluster can serve: until as many are there as were promised, or somebody at least.

import { clearInterval, setInterval } from "node:timers";

import type { WorkerTable } from "@loci/cluster";
import type { WorkerFacts } from "@loci/router";

/** Resolves with those who are there as soon as there are `count`. */
export async function firstWorkers(table: WorkerTable, count = 1): Promise<readonly WorkerFacts[]> {
  if (table.size < count) {
    // Nothing else may be open yet, and a process that waits for nothing ends.
    const stay = setInterval(() => undefined, 60_000);
    await new Promise<void>((resolve) => {
      const come = (): void => {
        if (table.size >= count) resolve();
      };
      table.listen({ onCome: come, onGo: () => undefined });
    });
    clearInterval(stay);
  }
  return [...table.all()].map(({ facts }) => facts);
}
