// The whole command in its smallest form: counts are right whatever the machine does; times are not looked at.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseRun } from "@loci/sim";
import { afterAll, expect, test } from "vitest";
import { child, items } from "../load/json-value.ts";

const entry = fileURLToPath(new URL("../main.ts", import.meta.url));
const model = fileURLToPath(new URL("../../../../models/loci-demo.gguf", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bench-admission-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("every arm gives every request its answer, and leaves its run for the simulator", () => {
  const lengths = join(folder, "lengths.jsonl");
  const lines = Array.from({ length: 30 }, (_, index) =>
    JSON.stringify({
      prompt: `Question ${index}`,
      prompt_tokens: 5 + index,
      output_tokens: { someone: 10 + 3 * index },
    }),
  );
  writeFileSync(lengths, lines.join("\n"));
  const out = join(folder, "out");
  const files = ["--lengths", lengths, "-m", model, "--out", out];
  const shape = ["--requests", "12", "--learn", "8", "--max-tokens", "128", "--threads", "1"];
  const words = ["admission", "--quick", "--answered-by", "someone", ...files, ...shape];
  const { stderr } = spawnSync(process.execPath, [entry, ...words], { encoding: "utf8" });
  expect(stderr).not.toContain("bench:");
  const arms = child(
    child(JSON.parse(readFileSync(join(out, "report.json"), "utf8")), "figures"),
    "arms",
  );
  const once = new Set<unknown>();
  for (const arm of ["predicted", "worst-case", "paged", "oracle"]) {
    const run = parseRun(readFileSync(join(out, `0-${arm}.run.json`), "utf8"));
    expect(run.records).toHaveLength(12);
    expect(run.options.admission).toBe(arm);
    const figures = items(child(arms, arm))[0];
    once.add(child(figures, "answerTokens"));
    expect(child(figures, "peakBlocks")).toBeLessThanOrEqual(Number(child(figures, "blocks")));
  }
  // All arms answered with the same tokens in all.
  expect(once.size).toBe(1);
});
