// What the dashboard shows, in the order in which an operator asks: is it well, is it fast, does the
// memory work, are answers' lengths known, how are the workers. deploy/grafana/loci.json is made from it.

export interface PanelQuery {
  /** PromQL; `$on` becomes the choice of instances. */
  readonly query: string;
  readonly legend: string;
}

export interface PanelDescription {
  readonly title: string;
  /** What one sees, and what to do about it. */
  readonly about: string;
  readonly kind: "timeseries" | "stat";
  /** As Grafana names them. */
  readonly unit: "short" | "s" | "percentunit" | "bytes" | "reqps" | "cps";
  readonly queries: readonly PanelQuery[];
  /** Quantities that add up. */
  readonly isStacked?: boolean;
}

export interface DashboardRow {
  readonly title: string;
  readonly panels: readonly PanelDescription[];
}

export const dashboardRows: readonly DashboardRow[] = [
  {
    title: "At a glance",
    panels: [
      stat("Running", "Requests in the batch", "sum(loci_num_requests_running{$on})"),
      stat("Waiting", "Requests in the queue", "sum(loci_num_requests_waiting{$on})"),
      stat(
        "Prompt tokens from the cache",
        "Share of the last five minutes' prompt tokens that were not computed",
        "sum(rate(loci_cached_tokens_total{$on}[5m])) / sum(rate(loci_prompt_tokens_total{$on}[5m]))",
        "percentunit",
      ),
      stat(
        "Memory in use",
        "Share of KV blocks held by requests; what is free or only cached can be taken",
        "max(loci_kv_cache_usage_ratio{$on})",
        "percentunit",
      ),
    ],
  },
  {
    title: "Requests",
    panels: [
      lines("Tokens", "Generated, computed and cached tokens per second", "cps", [
        rate("loci_generation_tokens_total", "generated"),
        rate("loci_computed_prompt_tokens_total", "prompt, computed"),
        rate("loci_cached_tokens_total", "prompt, cached"),
      ]),
      lines("Outcomes", "Requests by how they ended: finish reasons and error codes", "reqps", [
        rate("loci_requests_total", "{{outcome}}", "outcome"),
      ]),
      quantiles(
        "Time to first token",
        "Queue, restore and prefill together",
        "time_to_first_token",
      ),
      quantiles(
        "Between two tokens",
        "What a reader of a stream notices; grows with the batch",
        "inter_token_latency",
      ),
      quantiles(
        "Waiting in the queue",
        "Long waits with free memory: raise --max-num-seqs; without: add memory or workers",
        "request_queue_time",
      ),
      quantiles("Prefill", "From the start to the first token", "request_prefill_time"),
      quantiles("Decode", "From the first token to the last", "request_decode_time"),
      quantiles("Whole request", "Until the last token", "e2e_request_latency"),
      lines("HTTP answers", "By status; 429 and 503 mean too much load", "reqps", [
        rate("loci_http_responses_total", "{{status}}", "status"),
      ]),
      lines("Histories", "Prompts by what became of the tokens of their conversation", "reqps", [
        rate("loci_prompt_histories_total", "{{history}}", "history"),
      ]),
    ],
  },
  {
    title: "Memory",
    panels: [
      {
        ...lines("KV blocks", "On the device: held by requests, kept as cache, empty", "short", [
          {
            query:
              "sum(loci_kv_blocks{$on}) - sum(loci_kv_blocks_free{$on}) - sum(loci_kv_blocks_cached{$on})",
            legend: "held",
          },
          { query: "sum(loci_kv_blocks_cached{$on})", legend: "cached" },
          { query: "sum(loci_kv_blocks_free{$on})", legend: "free" },
        ]),
        isStacked: true,
      },
      lines("Memories below", "Share of slots in use, by memory", "percentunit", [
        {
          query:
            "sum by (tier) (loci_kv_tier_slots_used{$on}) / sum by (tier) (loci_kv_tier_slots{$on})",
          legend: "{{tier}}",
        },
      ]),
      lines("Tokens brought back", "Instead of being computed, per second and memory", "cps", [
        rate("loci_kv_restored_tokens_total", "{{tier}}", "tier"),
      ]),
      lines(
        "Tokens computed again",
        "dropped: more memory, or a memory below, would have saved them; faster: cheaper than a restore",
        "cps",
        [rate("loci_kv_recomputed_tokens_total", "{{why}}", "why")],
      ),
      lines("Blocks given up", "By whether a copy was left below", "cps", [
        rate("loci_kv_dropped_blocks_total", "copy {{copy}}", "copy"),
      ]),
      lines(
        "Ages of blocks",
        "Medians. Reuse gaps longer than lifetimes: the cache is too small for this traffic",
        "s",
        [
          median("loci_kv_block_lifetime_seconds", "lifetime"),
          median("loci_kv_block_idle_before_evict_seconds", "idle before given up"),
          median("loci_kv_block_reuse_gap_seconds", "between uses"),
        ],
      ),
      lines("Copies ahead", "Made before they were needed, by what became of them", "cps", [
        rate("loci_kv_copies_ahead_total", "{{fate}}", "fate"),
      ]),
      lines("Failed moves", "Blocks that could not be stored or read: look at the disk", "cps", [
        rate("loci_kv_failed_moves_total", "{{tier}} {{direction}}", "tier, direction"),
      ]),
    ],
  },
  {
    title: "Scheduling",
    panels: [
      lines("Rescues", "How memory was found for answers that outgrew their promise", "cps", [
        rate("loci_rescues_total", "{{rung}}", "rung"),
        rate("loci_answers_outgrown_total", "outgrown"),
        rate("loci_preemptions_total", "preempted"),
      ]),
      lines(
        "Coverage of predictions",
        "Share of answers within the 90 % interval of their predicted length; 0.9 is right",
        "percentunit",
        [{ query: "min(loci_answer_length_coverage_ratio{$on})", legend: "coverage" }],
      ),
      {
        ...quantiles(
          "Length over prediction",
          "Tokens of answers as multiples of the predicted median; 1 is exact",
          "answer_length_to_predicted",
          "ratio",
        ),
        unit: "short",
      },
      lines("Expected wait", "Of a request that would come now", "s", [
        { query: "max(loci_queue_wait_expected_seconds{$on})", legend: "expected" },
      ]),
    ],
  },
  {
    title: "Cluster",
    panels: [
      {
        ...lines("Workers", "By health", "short", [
          { query: "sum by (health) (loci_workers{$on})", legend: "{{health}}" },
        ]),
        isStacked: true,
      },
      lines("Requests on workers", "As this router sent them", "short", [
        { query: "sum by (worker) (loci_worker_requests{$on})", legend: "{{worker}}" },
      ]),
      lines("Load of workers", "Seconds that their accepted requests still need", "s", [
        { query: "sum by (worker) (loci_worker_load_seconds{$on})", legend: "{{worker}}" },
      ]),
      lines("Memory of workers", "Share of blocks that requests use", "percentunit", [
        { query: "max by (worker) (loci_worker_kv_usage_ratio{$on})", legend: "{{worker}}" },
      ]),
      lines("Placements", "Why requests went where they went", "reqps", [
        rate("loci_router_placements_total", "{{reason}}", "reason"),
      ]),
      lines("Prompt tokens found", "Believed to be held where requests went, by memory", "cps", [
        rate("loci_router_hit_tokens_total", "{{tier}}", "tier"),
        rate("loci_router_prompt_tokens_total", "all"),
      ]),
      lines("Trouble", "What happened to requests when workers failed", "cps", [
        rate("loci_router_retries_total", "retried"),
        rate("loci_router_moves_total", "moved in the middle"),
        rate("loci_router_quarantined_total", "quarantined"),
        rate("loci_router_worker_deaths_total", "workers lost"),
        rate("loci_router_refused_total", "refused"),
      ]),
    ],
  },
  {
    title: "The server's process",
    panels: [
      lines("Processor", "Cores in use by the API's process; workers have their own", "short", [
        rate("process_cpu_seconds_total", "cores"),
      ]),
      lines("RAM", "Of the API's process", "bytes", [
        { query: "sum(process_resident_memory_bytes{$on})", legend: "resident" },
      ]),
      lines("Spans", "Of traces, by what became of them", "cps", [
        rate("loci_trace_spans_total", "{{outcome}}", "outcome"),
      ]),
    ],
  },
];

function stat(
  title: string,
  about: string,
  query: string,
  unit: PanelDescription["unit"] = "short",
): PanelDescription {
  return { title, about, kind: "stat", unit, queries: [{ query, legend: "" }] };
}

function lines(
  title: string,
  about: string,
  unit: PanelDescription["unit"],
  queries: readonly PanelQuery[],
): PanelDescription {
  return { title, about, kind: "timeseries", unit, queries };
}

function rate(metric: string, legend: string, by: string | null = null): PanelQuery {
  const group = by === null ? "sum" : `sum by (${by})`;
  return { query: `${group} (rate(${metric}{$on}[$__rate_interval]))`, legend };
}

function median(metric: string, legend: string): PanelQuery {
  return { query: quantile(0.5, metric), legend };
}

/** Of a histogram in seconds, or in another unit. */
function quantiles(title: string, about: string, name: string, unit = "seconds"): PanelDescription {
  const metric = `loci_${name}_${unit}`;
  const queries = [0.5, 0.9, 0.99].map((share) => ({
    query: quantile(share, metric),
    legend: `${share * 100} %`,
  }));
  return lines(title, about, "s", queries);
}

function quantile(share: number, metric: string): string {
  return `histogram_quantile(${share}, sum by (le) (rate(${metric}_bucket{$on}[$__rate_interval])))`;
}
