// The same numbers under the names that vLLM gives them, for tools that know only those: gateways that
// pick an endpoint by queue and cache, autoscalers, dashboards. Asked for by a setting rather than by
// the request, because such tools ask for /metrics and nothing else. Nothing is counted twice: each
// name reads the metric it stands for.

import { defined } from "@loci/core";
import { Counter, Gauge, Histogram } from "prom-client";
import type { Metric, MetricValueWithName, Registry } from "prom-client";
import { readFrom, type MetricValues } from "./histogram-metric.ts";

type Labels = Readonly<Record<string, string | number>>;

interface Alias {
  readonly name: string;
  /** Of the metric that it reads. */
  readonly of: string;
  readonly help: string;
  /** Labels of a value from those it has here; null leaves the value out. */
  readonly labels?: (labels: Labels) => Labels | null;
}

const queries = "Prompt tokens looked up in the cache";

const aliases: readonly Alias[] = [
  same("num_requests_running", "Requests in the batch"),
  same("num_requests_waiting", "Requests in the queue"),
  alias("kv_cache_usage_perc", "kv_cache_usage_ratio", "Share of KV blocks in use; 1 is all"),
  alias("prefix_cache_queries_total", "prompt_tokens_total", queries),
  alias("prefix_cache_hits_total", "cached_tokens_total", "Prompt tokens found in the cache"),
  alias("num_preemptions_total", "preemptions_total", "Preempted requests"),
  same("prompt_tokens_total", "Prompt tokens"),
  same("generation_tokens_total", "Generated tokens"),
  {
    ...alias("request_success_total", "requests_total", "Finished requests by reason"),
    labels: ({ outcome }) => {
      const reason = outcome === "cancelled" ? "abort" : outcome;
      return reason === "stop" || reason === "length" || reason === "abort"
        ? { finished_reason: reason }
        : null;
    },
  },
  same("time_to_first_token_seconds", "Until the first token"),
  same("inter_token_latency_seconds", "Between two tokens"),
  same("e2e_request_latency_seconds", "Until the last token"),
  same("request_queue_time_seconds", "Waiting before the start"),
  same("request_prefill_time_seconds", "From the start to the first token"),
  same("request_decode_time_seconds", "From the first token to the last"),
  same("request_prompt_tokens", "Prompt tokens of a request"),
  same("request_generation_tokens", "Answer tokens of a request"),
  alias("kv_block_lifetime_seconds", "kv_block_lifetime_seconds", "Of a block on the device"),
  alias("kv_block_idle_before_evict_seconds", "kv_block_idle_before_evict_seconds", "Unused"),
  alias("kv_block_reuse_gap_seconds", "kv_block_reuse_gap_seconds", "Between two uses"),
];

/** After all metrics that they stand for. */
export function registerCompatMetrics(registry: Registry, model: string): void {
  for (const each of aliases) {
    const source = defined(registry.getSingleMetric(each.of), "what a name stands for");
    registerAlias(registry, { alias: each, source, model });
  }
  registerCacheConfig(registry, model);
}

interface AliasParts {
  readonly alias: Alias;
  readonly source: Metric;
  readonly model: string;
}

function registerAlias(registry: Registry, parts: AliasParts): void {
  const { name, help } = parts.alias;
  const shape = { name, help, registers: [registry] };
  const read = (): Promise<MetricValues> => aliasedValues(parts);
  if (parts.source instanceof Histogram) {
    readFrom(new Histogram(shape), read);
  } else if (parts.source instanceof Counter) {
    readFrom(new Counter(shape), read);
  } else {
    readFrom(new Gauge(shape), read);
  }
}

async function aliasedValues({
  alias: { name, help, labels },
  source,
  model,
}: AliasParts): Promise<MetricValues> {
  const own: MetricValues = await source.get();
  const groups = new Map<string, MetricValueWithName<string>>();
  for (const value of own.values) {
    const kept = labels === undefined ? value.labels : labels(definedLabels(value.labels));
    if (kept === null) continue;
    const suffix = value.metricName?.slice(own.name.length) ?? "";
    const aliased = {
      ...value,
      metricName: `${name}${suffix}`,
      labels: { ...kept, model_name: model, engine: "0" },
    };
    // Where labels were left out, values that became the same are one.
    const key = JSON.stringify([aliased.metricName, aliased.labels]);
    const before = groups.get(key);
    groups.set(key, { ...aliased, value: aliased.value + (before?.value ?? 0) });
  }
  return { ...own, name, help, values: [...groups.values()] };
}

/** vLLM tells the cache's measures as labels of a metric that is always 1. */
function registerCacheConfig(registry: Registry, model: string): void {
  const [blocks, tokens] = ["loci_kv_blocks", "loci_kv_block_tokens"].map((name) =>
    registry.getSingleMetric(name),
  );
  const labelNames = ["model_name", "engine", "block_size", "num_gpu_blocks"];
  const info: Gauge = new Gauge({
    name: "vllm:cache_config_info",
    help: "1, with the cache's measures as labels",
    labelNames,
    registers: [registry],
    collect: async () => {
      info.reset();
      const [count, size] = await Promise.all([valueOf(blocks), valueOf(tokens)]);
      const measures = { block_size: String(size), num_gpu_blocks: String(count) };
      info.set({ model_name: model, engine: "0", ...measures }, 1);
    },
  });
}

async function valueOf(metric: Metric | undefined): Promise<number> {
  const read: MetricValues | undefined = await metric?.get();
  return read?.values[0]?.value ?? 0;
}

function definedLabels(labels: Partial<Labels>): Labels {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function same(name: string, help: string): Alias {
  return alias(name, name, help);
}

function alias(name: string, of: string, help: string): Alias {
  return { name: `vllm:${name}`, of: `loci_${of}`, help };
}
