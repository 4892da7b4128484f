import type { ServiceSnapshot } from "@loci/core";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { registerSchedulingMetrics } from "./scheduling-metrics.ts";
import { snapshotOf } from "./testing/snapshot-of.ts";

async function textOf(snapshot: ServiceSnapshot): Promise<string> {
  const registry = new Registry();
  registerSchedulingMetrics(() => snapshot, registry);
  return await registry.metrics();
}

test("a service that counts nothing of it has no measurements", async () => {
  const lines = (await textOf(snapshotOf())).split("\n");
  const shown = lines.filter((line) => line !== "" && !line.startsWith("#"));
  expect(shown.filter((line) => !line.endsWith("_total 0"))).toEqual([]);
});

test("rungs, coverage and the latency model each have their series", async () => {
  const text = await textOf(
    snapshotOf({
      rescues: {
        outgrown: 9,
        extended: 5,
        borrowed: 4,
        waited: 30,
        moved: 2,
        recomputed: 1,
        late: 0,
      },
      lengths: { coverage: 0.9, answers: 120, drifts: 1 },
      latency: {
        secondsPerStep: 0.001,
        secondsPerToken: 0.002,
        secondsPerAttended: 3e-8,
        secondsPerSequence: 0,
      },
    }),
  );
  for (const line of [
    "loci_answers_outgrown_total 9",
    'loci_rescues_total{rung="waited"} 30',
    'loci_rescues_total{rung="moved"} 2',
    "loci_preemptions_late_total 0",
    "loci_answer_length_coverage_ratio 0.9",
    "loci_answer_lengths_learned_total 120",
    "loci_answer_length_drifts_total 1",
    'loci_latency_model_seconds{term="token"} 0.002',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("before the first answer nothing is said of coverage", async () => {
  const text = await textOf(snapshotOf({ lengths: { coverage: null, answers: 0, drifts: 0 } }));
  expect(text).not.toContain("loci_answer_length_coverage_ratio 0");
  expect(text).toContain("loci_answer_lengths_learned_total 0\n");
});
