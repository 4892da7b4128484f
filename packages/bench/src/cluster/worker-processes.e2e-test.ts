import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { BusyWorker, childProcesses } from "./worker-processes.ts";

test.runIf(existsSync("/proc"))("of two children the one that computes is found", async () => {
  const children = ["process.stdin.resume()", "for (;;) ;"].map((program) =>
    spawn(process.execPath, ["-e", program], { stdio: ["pipe", "ignore", "ignore"] }),
  );
  const [idle, busy] = children.map(({ pid }) => pid ?? 0);
  try {
    const found = childProcesses(process.pid);
    expect(found).toContain(idle);
    expect(found).toContain(busy);
    const watch = new BusyWorker([idle ?? 0, busy ?? 0]);
    // The busy one never stops: in the end it has done more than the other's start took.
    await expect.poll(() => watch.find(), { timeout: 10_000 }).toBe(busy);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => once(child, "exit")));
  }
  expect(childProcesses(process.pid)).not.toContain(busy);
});
