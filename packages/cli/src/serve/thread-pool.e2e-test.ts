// One thread for everything would leave steps waiting for restores that wait for the steps.

import { readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

import { LociProcess } from "../testing/loci-process.ts";
import { TokenClient } from "../testing/token-client.ts";

function poolThreads(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const names = readdirSync(tasks).map((task) => readFileSync(`${tasks}/${task}/comm`, "utf8"));
  return names.filter((name) => name.startsWith("libuv-worker")).length;
}

test.runIf(process.platform === "linux")(
  "the pool has room for a step and its restores although the environment allows one thread",
  async () => {
    const words = ["serve", "--port", "0", "--kv-memory", "16MiB"];
    await using loci = new LociProcess(words, { environment: { UV_THREADPOOL_SIZE: "1" } });
    await new TokenClient(await loci.url()).complete({ prompt: [300, 301, 302], maxTokens: 2 });
    expect(poolThreads(loci.pid ?? 0)).toBeGreaterThanOrEqual(4);
  },
);
