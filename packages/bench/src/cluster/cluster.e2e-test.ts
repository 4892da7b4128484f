// Many workers in the quick form of their measurement: real processes, every path, every count; what
// it measures in time is left to a quiet machine.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { child, items } from "../load/json-value.ts";
import { findPeerBinary } from "../peer/peer-binary.ts";
import { writeTieredModel } from "../tiered/tiered-model.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-cluster-"));
const modelPath = join(folder, "tiered.gguf");
const entry = fileURLToPath(new URL("../main.ts", import.meta.url));
const peerBinary = findPeer();
const timeoutMs = 240_000;

beforeAll(() => writeTieredModel(modelPath));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["shared", "multiturn", "failover", "stall", "wfail"])(
  "bench cluster --parts %s in its quick form",
  (part) => expectMet(part, []),
  timeoutMs,
);

test.runIf(peerBinary !== null)(
  "bench cluster --parts llama in its quick form",
  () => expectMet("llama", ["--peer-binary", peerBinary ?? ""]),
  timeoutMs,
);

test.runIf(peerBinary === null)("NO LLAMA-SERVER IS HERE: nothing was routed to one", () => {
  expect(peerBinary).toBeNull();
});

function expectMet(part: string, own: readonly string[]): void {
  const flags = ["--quick", "--json", "-m", modelPath, "--out", join(folder, part), ...own];
  const args = [entry, "cluster", "--parts", part, ...flags];
  const result = spawnSync(process.execPath, args, { encoding: "utf8", env: cleanEnvironment() });
  expect(result.stderr).not.toContain("bench:");
  const report: unknown = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  const missed = items(child(report, "bars")).filter((bar) => child(bar, "met") !== true);
  expect(missed).toEqual([]);
  expect(child(report, "met")).toBe(true);
  expect(child(child(report, "figures"), part)).toBeDefined();
  expect(result.status).toBe(0);
}

/** Variables of ours are settings to a server, and tests' own are none that it knows. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const all = Object.entries(process.env);
  return Object.fromEntries(all.filter(([name]) => !name.startsWith("LOCI_")));
}

/** LOCI_LLAMA_SERVER, else what `npm run bench -- build-peer` made. */
function findPeer(): string | null {
  const named = process.env["LOCI_LLAMA_SERVER"];
  if (named !== undefined && existsSync(named)) return named;
  try {
    return findPeerBinary(undefined);
  } catch {
    return null;
  }
}
