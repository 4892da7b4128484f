// A worker process with an engine but no model, slow enough to be cut off between any two tokens, at
// the address that its arguments say: ADDRESS ID KEY. For tests.

import { sleep, systemClock } from "@loci/core";
import { ClusterKey, createWorkerApp } from "@loci/cluster";
import { HashRunner } from "@loci/engine";
import type { StepBatch, StepResult } from "@loci/engine";

import { hashFacts, hashLimits, hashService } from "./hash-service.ts";

class SlowRunner extends HashRunner {
  override async execute(batch: StepBatch): Promise<StepResult> {
    await sleep(systemClock, 2);
    return super.execute(batch);
  }
}

const [host = "", id = "", key = ""] = process.argv.slice(2);
const app = createWorkerApp({
  service: hashService(new SlowRunner(hashLimits)),
  facts: hashFacts(id, String(process.pid)),
  clock: systemClock,
  key: new ClusterKey(key),
});
process.stdout.write(`${await app.listen({ host, port: 9931 })}\n`);
