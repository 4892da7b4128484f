// Waiting until a cluster can serve: until somebody is there.

import type { WorkerTable } from "@loci/cluster";
import type { WorkerFacts } from "@loci/router";

/** Resolves with those who are there as soon as there is one. */
export async function firstWorkers(table: WorkerTable): Promise<readonly WorkerFacts[]> {
  if (table.size === 0) {
    await new Promise<void>((resolve) => {
      table.listen({ onCome: () => resolve(), onGo: () => undefined });
    });
  }
  return [...table.all()].map(({ facts }) => facts);
}
