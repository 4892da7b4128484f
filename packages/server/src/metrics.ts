// What the server counts, in a registry of its own. Totals of the engine are read from its
// snapshot when somebody asks; the rest is measured where requests pass. Every label has a closed
// set of values, so the number of series is fixed.

import type { ServiceSnapshot } from "@loci/core";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { registerCacheMetrics } from "./cache-metrics.ts";
import { registerClusterMetrics } from "./cluster-metrics.ts";
import { registerCompatMetrics } from "./compat-metrics.ts";
import { registerProcessMetrics, type ProcessFacts } from "./process-metrics.ts";
import { registerSchedulingMetrics } from "./scheduling-metrics.ts";

export type Endpoint = "chat" | "completions" | "responses" | "messages";

const latencyBuckets = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
];
const tokenBuckets = [
  1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072,
];

/** One finished generation, in seconds and tokens. */
export interface GenerationMeasure {
  readonly endpoint: Endpoint;
  /** Finish reason or error code. */
  readonly outcome: string;
  readonly seconds: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
}

/** What became of spans since the start. */
export interface SpanCounts {
  readonly exported: number;
  readonly dropped: number;
  readonly failed: number;
}

export interface MetricsOptions {
  readonly process: ProcessFacts;
  /** Names of another program besides our own. */
  readonly compat?: "none" | "vllm";
  /** Where requests are traced. */
  readonly spans?: () => SpanCounts;
}

export class ServerMetrics {
  readonly registry: Registry = new Registry();
  readonly #generations: Counter<"endpoint" | "outcome">;
  readonly #responses: Counter<"route" | "status">;
  readonly #histories: Counter<"endpoint" | "history">;
  readonly #keptTokens: Counter;
  readonly #queueSeconds: Histogram;
  readonly #firstTokenSeconds: Histogram;
  readonly #interTokenSeconds: Histogram;
  readonly #generationSeconds: Histogram;
  readonly #prefillSeconds: Histogram;
  readonly #decodeSeconds: Histogram;
  readonly #promptTokens: Histogram;
  readonly #generatedTokens: Histogram;

  constructor(snapshot: () => ServiceSnapshot, options: MetricsOptions) {
    const registers = [this.registry];
    this.#generations = new Counter({
      name: "loci_requests_total",
      help: "Generations by endpoint and outcome (finish reason or error code)",
      labelNames: ["endpoint", "outcome"],
      registers,
    });
    this.#responses = new Counter({
      name: "loci_http_responses_total",
      help: "HTTP responses by route and status",
      labelNames: ["route", "status"],
      registers,
    });
    this.#histories = new Counter({
      name: "loci_prompt_histories_total",
      help: "Prompts by what became of the tokens of their history",
      labelNames: ["endpoint", "history"],
      registers,
    });
    this.#keptTokens = new Counter({
      name: "loci_history_tokens_kept_total",
      help: "Tokens of earlier turns that prompts took over exactly",
      registers,
    });
    const seconds = (name: string, help: string): Histogram =>
      new Histogram({ name, help, buckets: latencyBuckets, registers });
    const tokens = (name: string, help: string): Histogram =>
      new Histogram({ name, help, buckets: tokenBuckets, registers });
    this.#queueSeconds = seconds("loci_request_queue_time_seconds", "Waiting before the start");
    this.#firstTokenSeconds = seconds("loci_time_to_first_token_seconds", "Until the first token");
    this.#interTokenSeconds = seconds("loci_inter_token_latency_seconds", "Between two tokens");
    this.#generationSeconds = seconds("loci_e2e_request_latency_seconds", "Until the last token");
    this.#prefillSeconds = seconds(
      "loci_request_prefill_time_seconds",
      "From the start to the first token",
    );
    this.#decodeSeconds = seconds(
      "loci_request_decode_time_seconds",
      "From the first token to the last",
    );
    this.#promptTokens = tokens("loci_request_prompt_tokens", "Prompt tokens of a request");
    this.#generatedTokens = tokens("loci_request_generation_tokens", "Answer tokens of a request");
    for (const source of snapshotSources) registerSnapshot(source, snapshot, this.registry);
    registerCacheMetrics(snapshot, this.registry);
    registerSchedulingMetrics(snapshot, this.registry);
    registerClusterMetrics(snapshot, this.registry);
    registerProcessMetrics(options.process, this.registry);
    if (options.spans !== undefined) registerSpans(options.spans, this.registry);
    if (options.compat === "vllm") registerCompatMetrics(this.registry, options.process.model);
  }

  queued(seconds: number): void {
    this.#queueSeconds.observe(seconds);
  }

  firstToken(seconds: number): void {
    this.#firstTokenSeconds.observe(seconds);
  }

  nextToken(seconds: number): void {
    this.#interTokenSeconds.observe(seconds);
  }

  prefilled(seconds: number): void {
    this.#prefillSeconds.observe(seconds);
  }

  decoded(seconds: number): void {
    this.#decodeSeconds.observe(seconds);
  }

  generation(measure: GenerationMeasure): void {
    this.#generations.inc({ endpoint: measure.endpoint, outcome: measure.outcome });
    this.#generationSeconds.observe(measure.seconds);
    if (measure.promptTokens > 0) this.#promptTokens.observe(measure.promptTokens);
    this.#generatedTokens.observe(measure.generatedTokens);
  }

  /** `none` had no known history, `forked` says something else than it did. */
  history(endpoint: Endpoint, history: "none" | "continued" | "forked", keptTokens: number): void {
    this.#histories.inc({ endpoint, history });
    this.#keptTokens.inc(keptTokens);
  }

  /** `route` is a registered path, never one from a client. */
  response(route: string, status: number): void {
    this.#responses.inc({ route, status });
  }
}

function registerSpans(read: () => SpanCounts, registry: Registry): void {
  const metric: Counter<"outcome"> = new Counter({
    name: "loci_trace_spans_total",
    help: "Spans of traces: sent, dropped for a full queue, not taken by the collector",
    labelNames: ["outcome"],
    registers: [registry],
    collect: () => {
      metric.reset();
      for (const [outcome, count] of Object.entries(read())) metric.inc({ outcome }, count);
    },
  });
}

interface SnapshotSource {
  readonly kind: "counter" | "gauge";
  readonly name: string;
  readonly help: string;
  readonly read: (snapshot: ServiceSnapshot) => number;
}

const snapshotSources: readonly SnapshotSource[] = [
  counter("loci_prompt_tokens_total", "Prompt tokens received", (s) => s.promptTokens),
  counter("loci_cached_tokens_total", "Prompt tokens taken from the cache", (s) => s.cachedTokens),
  counter(
    "loci_computed_prompt_tokens_total",
    "Prompt tokens computed",
    (s) => s.computedPromptTokens,
  ),
  counter("loci_generation_tokens_total", "Tokens generated", (s) => s.generatedTokens),
  counter("loci_preemptions_total", "Requests preempted for lack of blocks", (s) => s.preemptions),
  counter("loci_steps_total", "Engine steps", (s) => s.steps),
  gauge("loci_num_requests_running", "Requests in the batch", (s) => s.requestsRunning),
  gauge("loci_num_requests_waiting", "Requests in the queue", (s) => s.requestsWaiting),
  gauge("loci_queue_wait_expected_seconds", "Expected wait", (s) => s.waitSecondsExpected),
  gauge("loci_kv_blocks", "KV blocks", (s) => s.kvBlocksTotal),
  gauge("loci_kv_blocks_free", "KV blocks that hold nothing", (s) => s.kvBlocksFree),
  gauge("loci_kv_blocks_cached", "KV blocks held as cache only", (s) => s.kvBlocksCached),
  gauge("loci_kv_block_tokens", "Tokens in a KV block", (s) => s.kvBlockTokens),
  gauge("loci_kv_cache_usage_ratio", "Share of KV blocks held by requests", kvUsageRatio),
];

function counter(name: string, help: string, read: SnapshotSource["read"]): SnapshotSource {
  return { kind: "counter", name, help, read };
}

function gauge(name: string, help: string, read: SnapshotSource["read"]): SnapshotSource {
  return { kind: "gauge", name, help, read };
}

function kvUsageRatio(snapshot: ServiceSnapshot): number {
  const { kvBlocksTotal, kvBlocksFree, kvBlocksCached } = snapshot;
  return kvBlocksTotal === 0 ? 0 : 1 - (kvBlocksFree + kvBlocksCached) / kvBlocksTotal;
}

function registerSnapshot(
  source: SnapshotSource,
  snapshot: () => ServiceSnapshot,
  registry: Registry,
): void {
  const { name, help, read } = source;
  const registers = [registry];
  if (source.kind === "gauge") {
    const metric: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => metric.set(read(snapshot())),
    });
    return;
  }
  const metric: Counter = new Counter({
    name,
    help,
    registers,
    collect: () => {
      metric.reset();
      metric.inc(read(snapshot()));
    },
  });
}
