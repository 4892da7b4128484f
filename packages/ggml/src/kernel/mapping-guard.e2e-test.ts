// A mapped file that shrinks ends an unguarded process by SIGBUS; a guarded one reads zeros and
// knows. Processes of their own, because one of them dies.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

function probe(mode: "guarded" | "bare"): { stdout: string; signal: NodeJS.Signals | null } {
  const folder = mkdtempSync(join(tmpdir(), "loci-guard-"));
  try {
    const path = join(folder, "mapped");
    writeFileSync(path, new Uint8Array(1 << 20).fill(7));
    const script = fileURLToPath(new URL("./testing/guard-probe.ts", import.meta.url));
    return spawnSync(process.execPath, [script, path, mode], { encoding: "utf8" });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a guarded process reads zeros and knows that the file shrank", ({ skip }) => {
  skip(process.platform === "win32", "Windows does not let a mapped file shrink");
  expect(JSON.parse(probe("guarded").stdout)).toEqual({ before: false, read: 0, after: true });
});

test("an unguarded process is ended by the signal", ({ skip }) => {
  skip(process.platform === "win32", "Windows does not let a mapped file shrink");
  expect(probe("bare").signal).toBe("SIGBUS");
});
