import { readFileSync } from "node:fs";

import { listMetrics } from "@loci/server";
import { expect, test } from "vitest";

import { withMetrics } from "./operations-metrics.ts";

const page = readFileSync(new URL("../docs/operations.md", import.meta.url), "utf8");

test("the metrics of docs/operations.md are what node scripts/generate-docs.ts writes", async () => {
  expect(await withMetrics(page)).toBe(page);
});

test("every metric is there with its meaning", async () => {
  const rows = page
    .split("\n")
    .filter((line) => /^\| `\S+` +\| (counter|gauge|histogram) /.test(line));
  for (const { name, help } of await listMetrics("vllm")) {
    const row = rows.find((line) => line.startsWith(`| \`${name}\` `));
    expect(row).toContain(help);
  }
});

test("a page without a place for them is refused", async () => {
  await expect(withMetrics("# Operations\n")).rejects.toThrow("needs");
});
