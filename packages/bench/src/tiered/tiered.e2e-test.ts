// The measurements of memory tiers in their quick forms: every path is taken, every count holds;
// what they measure in time is left to a quiet machine.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { child, items } from "../load/json-value.ts";
import { writeTieredModel } from "./tiered-model.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-tiered-"));
const modelPath = join(folder, "tiered.gguf");
const entry = fileURLToPath(new URL("../main.ts", import.meta.url));

beforeAll(() => writeTieredModel(modelPath));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(["gap", "ahead", "restore", "restart", "overhead", "rounds", "multiturn"])(
  "bench %s in its quick form",
  (command) => {
    const out = join(folder, command);
    const flags = ["--quick", "--json", "--threads", "1", "-m", modelPath, "--out", out];
    const result = spawnSync(process.execPath, [entry, command, ...flags], { encoding: "utf8" });
    expect(result.stderr).not.toContain("bench:");
    const report: unknown = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
    const missed = items(child(report, "bars")).filter((bar) => child(bar, "met") !== true);
    expect(missed).toEqual([]);
    expect(child(report, "met")).toBe(true);
    expect(result.status).toBe(0);
  },
);
