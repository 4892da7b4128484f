// A worker process with an engine but no model, slow enough to be killed between any two tokens;
// for tests.

import { sleep, systemClock } from "@loci/core";
import { ClusterKey, createWorkerApp, openParentLink } from "@loci/cluster";
import { HashRunner } from "@loci/engine";
import type { StepBatch, StepResult } from "@loci/engine";
import { hashFacts, hashLimits, hashService } from "./hash-service.ts";

class SlowRunner extends HashRunner {
  override async execute(batch: StepBatch): Promise<StepResult> {
    await sleep(systemClock, 1);
    return super.execute(batch);
  }
}

const parent = await openParentLink({ input: process.stdin, output: process.stdout });
const { workerId, key } = parent.order;
const app = createWorkerApp({
  service: hashService(new SlowRunner(hashLimits)),
  facts: hashFacts(workerId, String(process.pid)),
  clock: systemClock,
  key: key === null ? null : new ClusterKey(key),
});
parent.tellReady(await app.listen({ host: "127.0.0.1", port: 0 }));
await Promise.race([parent.stop, parent.gone]);
process.exit(0);
