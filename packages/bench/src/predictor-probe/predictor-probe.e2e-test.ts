// The comparison in a short form, on the bundled model: every path is taken, and the model's state
// says more of lengths than they say of themselves. By how much, and how fast, is for the long form.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { child, items } from "../load/json-value.ts";

const folder = mkdtempSync(join(tmpdir(), "bench-predictor-probe-"));
const entry = fileURLToPath(new URL("../main.ts", import.meta.url));
afterAll(() => rmSync(folder, { recursive: true }));

test("states tell lengths", () => {
  const flags = ["--requests", "200", "--threads", "2", "--json", "--out", folder];
  const result = spawnSync(process.execPath, [entry, "predictor-probe", ...flags], {
    encoding: "utf8",
  });
  expect(result.stderr).not.toContain("bench:");
  const report: unknown = JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "");
  const ratios = items(child(report, "bars")).slice(0, 3);
  expect(ratios).toHaveLength(3);
  for (const ratio of ratios) expect(child(ratio, "value")).toBeLessThan(0.7);
  const answers = readFileSync(join(folder, "answers.jsonl"), "utf8").trim().split("\n");
  expect(answers).toHaveLength(200);
  expect(items(child(JSON.parse(answers[0] ?? ""), "beliefs")).length).toBeGreaterThanOrEqual(5);
});
