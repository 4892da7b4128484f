// A process of stand-in workers: prints their addresses as one line of JSON, and ends with its stdin.

import { systemClock } from "@loci/core";
import { createWorkerApp } from "@loci/cluster";
import { workerFacts } from "./router-load.ts";
import { StampService } from "./stamp-service.ts";

const [first = "0", count = "1", tokenMs = "20"] = process.argv.slice(2);

const urls: string[] = [];
for (let index = Number(first); index < Number(first) + Number(count); index++) {
  const worker = createWorkerApp({
    service: new StampService(systemClock, Number(tokenMs)),
    facts: workerFacts(index),
    clock: systemClock,
    key: null,
  });
  urls.push(await worker.listen({ host: "127.0.0.1", port: 0 }));
}
process.stdout.write(`${JSON.stringify(urls)}\n`);
process.stdin.resume().once("end", () => process.exit(0));
