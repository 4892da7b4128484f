// What an engine says of itself, in one shape for all of them. Null: it does not say.

import type { MetricSample } from "./prometheus-text.ts";
import { readMetrics } from "./prometheus-text.ts";

export interface EngineGauges {
  readonly requestsRunning: number | null;
  readonly requestsWaiting: number | null;
  /** Share of the cache's blocks that running requests hold, in [0, 1]. */
  readonly kvUsage: number | null;
  readonly kvBlocksTotal: number | null;
  readonly blockTokens: number | null;
  /** When its process started; tells restarts. */
  readonly startedUnixSeconds: number | null;
}

export const unknownGauges: EngineGauges = {
  requestsRunning: null,
  requestsWaiting: null,
  kvUsage: null,
  kvBlocksTotal: null,
  blockTokens: null,
  startedUnixSeconds: null,
};

/** Names that mean the same, in the engines and their releases; the first that is there counts. */
const names = {
  running: ["vllm:num_requests_running", "sglang:num_running_reqs", "llamacpp:requests_processing"],
  waiting: ["vllm:num_requests_waiting", "sglang:num_queue_reqs", "llamacpp:requests_deferred"],
  usage: [
    "vllm:kv_cache_usage_perc",
    "vllm:gpu_cache_usage_perc",
    "sglang:token_usage",
    "llamacpp:kv_cache_usage_ratio",
  ],
  config: ["vllm:cache_config_info"],
  tokensMax: ["sglang:max_total_num_tokens"],
  started: ["process_start_time_seconds"],
} as const;

const allNames: ReadonlySet<string> = new Set(Object.values(names).flat());

type Samples = ReadonlyMap<string, readonly MetricSample[]>;

/** Reads a scrape of vLLM, SGLang or llama-server. Several series (data-parallel ranks) are added up. */
export function readGauges(text: string): EngineGauges {
  const samples = readMetrics(text, allNames);
  const config = firstOf(samples, names.config)?.[0]?.labels;
  const blockTokens = positive(Number(config?.get("block_size")));
  const blocks = positive(Number(config?.get("num_gpu_blocks")));
  const tokens = positive(sum(firstOf(samples, names.tokensMax)) ?? 0);
  return {
    requestsRunning: sum(firstOf(samples, names.running)),
    requestsWaiting: sum(firstOf(samples, names.waiting)),
    kvUsage: mean(firstOf(samples, names.usage)),
    // SGLang counts tokens: a block of one.
    kvBlocksTotal: blocks ?? tokens,
    blockTokens: blockTokens ?? (tokens === null ? null : 1),
    startedUnixSeconds: mean(firstOf(samples, names.started)),
  };
}

function firstOf(samples: Samples, among: readonly string[]): readonly MetricSample[] | null {
  for (const name of among) {
    const found = samples.get(name);
    if (found !== undefined) return found;
  }
  return null;
}

function finite(samples: readonly MetricSample[] | null): readonly number[] {
  return (samples ?? []).map(({ value }) => value).filter((value) => Number.isFinite(value));
}

function sum(samples: readonly MetricSample[] | null): number | null {
  const values = finite(samples).filter((value) => value >= 0);
  return values.length === 0 ? null : values.reduce((total, value) => total + value, 0);
}

function mean(samples: readonly MetricSample[] | null): number | null {
  const total = sum(samples);
  return total === null ? null : total / finite(samples).filter((value) => value >= 0).length;
}

function positive(value: number): number | null {
  return Number.isFinite(value) && value >= 1 ? Math.floor(value) : null;
}
