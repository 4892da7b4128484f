// A metric that is read from the service's snapshot when somebody asks, with a closed set of labels.

import type { ServiceSnapshot } from "@loci/core";
import { Counter, Gauge, type Registry } from "prom-client";

export type MetricKind = "counter" | "gauge";

export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface SnapshotMetric {
  readonly kind: MetricKind;
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** None where the service does not count such things. */
  readonly read: (snapshot: ServiceSnapshot) => readonly Series[];
}

export function series(value: number, labels: Readonly<Record<string, string>> = {}): Series {
  return { labels, value };
}

export function registerSnapshotMetric(
  { kind, name, help, labelNames, read }: SnapshotMetric,
  snapshot: () => ServiceSnapshot,
  registry: Registry,
): void {
  // Without labels the library shows a zero where nothing was set: the truth for a counter, a false
  // measurement for a gauge.
  const shape = { name, help, labelNames: [...labelNames], registers: [registry] };
  if (kind === "gauge") {
    const metric: Gauge = new Gauge({
      ...shape,
      collect: () => {
        metric.reset();
        if (labelNames.length === 0) metric.remove();
        for (const { labels, value } of read(snapshot())) metric.set(labels, value);
      },
    });
    return;
  }
  const metric: Counter = new Counter({
    ...shape,
    collect: () => {
      metric.reset();
      for (const { labels, value } of read(snapshot())) metric.inc(labels, value);
    },
  });
}
