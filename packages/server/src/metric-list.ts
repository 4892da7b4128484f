// Every metric that there can be, for the page that explains them, the dashboards that show them and the
// tests that hold all three together.

import { systemClock } from "@loci/core";
import type { ServiceSnapshot } from "@loci/core";
import { ServerMetrics } from "./metrics.ts";

export interface MetricDescription {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

/** With `vllm`, the names of vLLM as well. In the order in which they are written. */
export async function listMetrics(
  compat: "none" | "vllm" = "none",
): Promise<readonly MetricDescription[]> {
  const process = { version: "", model: "", clock: systemClock };
  const spans = { exported: 0, dropped: 0, failed: 0 };
  const { registry } = new ServerMetrics(() => nothing, { process, compat, spans: () => spans });
  const shown = await registry.getMetricsAsJSON();
  return shown.map(({ name, help, type }) => ({
    name,
    help,
    kind: kindOf(String(type)),
    labels: labelsOf(registry.getSingleMetric(name)),
  }));
}

function kindOf(type: string): MetricDescription["kind"] {
  return type === "counter" || type === "histogram" ? type : "gauge";
}

function labelsOf(metric: object | undefined): readonly string[] {
  const names: unknown = metric === undefined ? [] : Reflect.get(metric, "labelNames");
  return Array.isArray(names) ? names.map(String) : [];
}

const nothing: ServiceSnapshot = {
  requestsRunning: 0,
  requestsWaiting: 0,
  kvBlocksTotal: 0,
  kvBlocksFree: 0,
  kvBlocksCached: 0,
  kvBlockTokens: 0,
  promptTokens: 0,
  cachedTokens: 0,
  computedPromptTokens: 0,
  generatedTokens: 0,
  preemptions: 0,
  steps: 0,
  waitSecondsExpected: 0,
};
