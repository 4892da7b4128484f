// All that has to hold before a change goes in, at the same time: the parts know nothing of each
// other. What they say comes in this order, whichever ends first, and one that fails fails the whole.

import { spawn } from "node:child_process";
import { systemClock } from "@loci/core";

/** Scripts of package.json; the tests, which take longest, come last. */
const parts = ["format", "lint", "types", "tidy", "unused", "unit"] as const;

interface Outcome {
  readonly output: string;
  readonly ok: boolean;
  readonly seconds: number;
}

function run(part: string): Promise<Outcome> {
  const startMs = systemClock.nowMs();
  const child = spawn("npm", ["run", "--silent", part], { stdio: ["ignore", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      const seconds = (systemClock.nowMs() - startMs) / 1000;
      resolve({ output: Buffer.concat(chunks).toString("utf8"), ok: code === 0, seconds });
    });
  });
}

const outcomes = parts.map((part) => ({ part, outcome: run(part) }));
for (const { part, outcome } of outcomes) {
  const { output, ok, seconds } = await outcome;
  process.stdout.write(
    `${output.trimEnd()}\n${part}: ${ok ? "ok" : "FAILED"}, ${seconds.toFixed(0)} s\n\n`,
  );
  if (!ok) process.exitCode = 1;
}
