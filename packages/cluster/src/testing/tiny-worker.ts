// A worker's whole program around a service without a model: started by a supervisor, told what to do
// over standard input, gone when its parent is.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LociError, systemClock } from "@loci/core";
import { ClusterKey } from "../cluster-key.ts";
import { openParentLink } from "../local/parent-link.ts";
import type { ParentLink } from "../local/parent-link.ts";
import { Fields } from "../wire/fields.ts";
import { createWorkerApp } from "../worker/create-worker-app.ts";
import { testFacts, TokenService } from "./token-service.ts";

async function serve({ order, tellReady, stop, gone }: ParentLink): Promise<void> {
  const service = new TokenService();
  service.before = () => new Promise((resolve) => systemClock.after(1, resolve));
  // The service's timers do not keep the process alive; its sockets do.
  const worker = createWorkerApp({
    service,
    facts: testFacts(order.workerId, `${process.pid}`),
    clock: systemClock,
    key: order.key === null ? null : new ClusterKey(order.key),
  });
  const socketPath = join(mkdtempSync(join(tmpdir(), "loci-tiny-")), "worker.sock");
  tellReady(await worker.listen({ socketPath }));
  const graceMs = await Promise.race([stop, gone.then(() => null)]);
  if (graceMs !== null) await worker.close(graceMs);
  process.exit(0);
}

const parent = await openParentLink({ input: process.stdin, output: process.stdout });
const settings = new Fields(parent.order.settings);
process.stdout.write(`settings ${JSON.stringify(parent.order.settings)}\n`);
switch (settings.choice("mode", ["serve", "crash", "refuse"])) {
  case "serve":
    await serve(parent);
    break;
  case "crash":
    process.exit(3);
    break;
  case "refuse":
    parent.tellFailed(new LociError("model_file_invalid", "There is no such model."));
    process.exit(1);
}
