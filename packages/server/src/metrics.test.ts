import { systemClock } from "@loci/core";
import type { ClusterSnapshot, ServiceSnapshot } from "@loci/core";
import { describe, expect, test } from "vitest";
import { ServerMetrics } from "./metrics.ts";
import { listMetrics } from "./metric-list.ts";
import { snapshotOf } from "./testing/snapshot-of.ts";

function metricsOf(snapshot: ServiceSnapshot, compat: "none" | "vllm" = "none"): ServerMetrics {
  const process = { version: "1.2.3", model: "demo", clock: systemClock };
  return new ServerMetrics(() => snapshot, { process, compat });
}

async function linesOf(metrics: ServerMetrics, start: string): Promise<readonly string[]> {
  const text = await metrics.registry.metrics();
  return text.split("\n").filter((line) => line.startsWith(start));
}

/** Prometheus' own advice, and ours: base units, totals, no tenants. */
const units = /_(seconds|bytes|tokens|blocks|ratio|info|slots|requests|workers|steps)(_|$)/;
const counted = /_(running|waiting|wanted|free|cached|under_way|used|usage_ratio)$/;
const words = /^(loci|process)_[a-z\d]+(_[a-z\d]+)*$/;

describe("names", () => {
  test("follow the conventions, every one of them", async () => {
    const metrics = await listMetrics();
    expect(metrics.length).toBeGreaterThan(55);
    for (const { name, kind, labels, help } of metrics) {
      expect(name).toMatch(words);
      expect([name, kind === "counter"]).toEqual([name, name.endsWith("_total")]);
      expect([name, help.length > 5, /[.!]$/.test(help)]).toEqual([name, true, false]);
      expect(labels.filter((label) => !/^[a-z]+$/.test(label))).toEqual([]);
      // A tenant's name, or a request's, would make as many series as there are tenants or requests.
      expect(labels.filter((label) => /tenant|key|user|request|session/.test(label))).toEqual([]);
    }
    const measured = metrics.filter(({ kind }) => kind !== "counter").map(({ name }) => name);
    expect(measured.filter((name) => !units.test(name) && !counted.test(name))).toEqual([]);
  });

  test("vLLM's come only when asked for", async () => {
    const [own, both] = [await listMetrics(), await listMetrics("vllm")];
    expect(own.filter(({ name }) => name.startsWith("vllm:"))).toEqual([]);
    const added = both.slice(own.length).map(({ name }) => name);
    expect(added.every((name) => name.startsWith("vllm:"))).toBe(true);
    // What endpoint pickers of inference gateways ask of a server.
    for (const name of ["num_requests_waiting", "num_requests_running", "kv_cache_usage_perc"]) {
      expect(added).toContain(`vllm:${name}`);
    }
    expect(added).toContain("vllm:cache_config_info");
  });
});

describe("vLLM's view", () => {
  test("says the same numbers, with the labels that its readers expect", async () => {
    const snapshot = snapshotOf({
      requestsRunning: 3,
      kvBlocksTotal: 100,
      kvBlocksFree: 40,
      kvBlocksCached: 10,
      kvBlockTokens: 32,
      cachedTokens: 640,
    });
    const metrics = metricsOf(snapshot, "vllm");
    const measure = { seconds: 1, promptTokens: 5, generatedTokens: 7 };
    metrics.generation({ ...measure, endpoint: "chat", outcome: "stop" });
    metrics.generation({ ...measure, endpoint: "completions", outcome: "stop" });
    metrics.generation({ ...measure, endpoint: "chat", outcome: "queue_full" });
    metrics.firstToken(0.3);
    const labels = '{model_name="demo",engine="0"}';
    expect(await linesOf(metrics, "vllm:num_requests_running")).toEqual([
      `vllm:num_requests_running${labels} 3`,
    ]);
    expect(await linesOf(metrics, "vllm:kv_cache_usage_perc")).toEqual([
      `vllm:kv_cache_usage_perc${labels} 0.5`,
    ]);
    expect(await linesOf(metrics, "vllm:prefix_cache_hits_total")).toEqual([
      `vllm:prefix_cache_hits_total${labels} 640`,
    ]);
    expect(await linesOf(metrics, "vllm:request_success_total")).toEqual([
      'vllm:request_success_total{finished_reason="stop",model_name="demo",engine="0"} 2',
    ]);
    expect(await linesOf(metrics, "vllm:cache_config_info")).toEqual([
      'vllm:cache_config_info{model_name="demo",engine="0",block_size="32",num_gpu_blocks="100"} 1',
    ]);
    const first = await linesOf(metrics, "vllm:time_to_first_token_seconds");
    expect(first).toContain(`vllm:time_to_first_token_seconds_count${labels} 1`);
    expect(first).toContain(
      'vllm:time_to_first_token_seconds_bucket{le="0.5",model_name="demo",engine="0"} 1',
    );
  });
});

describe("histograms that others counted", () => {
  test("are cumulative, and absent where nobody counts", async () => {
    const errors = { bounds: [0.5, 1, 2], counts: [1, 4, 2, 3], sum: 20 };
    const lengths = { coverage: 0.9, answers: 10, drifts: 0, errors };
    const name = "loci_answer_length_to_predicted_ratio";
    expect(await linesOf(metricsOf(snapshotOf({ lengths })), name)).toEqual([
      `${name}_bucket{le="0.5"} 1`,
      `${name}_bucket{le="1"} 5`,
      `${name}_bucket{le="2"} 7`,
      `${name}_bucket{le="+Inf"} 10`,
      `${name}_sum 20`,
      `${name}_count 10`,
    ]);
    expect(await linesOf(metricsOf(snapshotOf()), name)).toEqual([]);
  });
});

test("workers beyond the bound are one series, so that sums hold", async () => {
  const workers = Array.from({ length: 300 }, (_, index) => ({
    id: `w${index}`,
    health: "healthy",
    requests: 2,
    requestsRunning: null,
    requestsWaiting: 1,
    kvBlocksTotal: 100,
    kvBlocksFree: 25,
  }));
  const cluster: ClusterSnapshot = {
    workers,
    workersWanted: null,
    placements: {},
    retries: 0,
    moves: 0,
    quarantined: 0,
    workerDeaths: 0,
    promptTokens: 0,
    hitTokens: { device: 0, host: 0, disk: 0 },
  };
  const metrics = metricsOf(snapshotOf({ cluster }));
  const shown = await linesOf(metrics, "loci_worker_requests{");
  expect(shown).toHaveLength(257);
  expect(shown.at(-1)).toBe('loci_worker_requests{worker="other"} 88');
  expect((await linesOf(metrics, "loci_worker_kv_usage_ratio")).at(-1)).toBe(
    'loci_worker_kv_usage_ratio{worker="other"} 0.75',
  );
  expect(await linesOf(metrics, "loci_worker_requests_running")).toEqual([]);
});

test("how long requests read and wrote is told, too", async () => {
  const metrics = metricsOf(snapshotOf());
  metrics.prefilled(0.2);
  metrics.decoded(3);
  expect(await linesOf(metrics, "loci_request_prefill_time_seconds_sum")).toEqual([
    "loci_request_prefill_time_seconds_sum 0.2",
  ]);
  expect(await linesOf(metrics, "loci_request_decode_time_seconds_sum")).toEqual([
    "loci_request_decode_time_seconds_sum 3",
  ]);
});
