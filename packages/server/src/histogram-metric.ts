// A histogram that others have counted, read from the service's snapshot when somebody asks.

import type { HistogramCounts, ServiceSnapshot } from "@loci/core";
import { Histogram } from "prom-client";
import type { Metric, MetricObjectWithValues, MetricValueWithName, Registry } from "prom-client";

export interface SnapshotHistogramSource {
  readonly name: string;
  readonly help: string;
  /** Undefined or null where nobody counts such things: then there is no measurement. */
  readonly read: (snapshot: ServiceSnapshot) => HistogramCounts | null | undefined;
}

export type MetricValues = MetricObjectWithValues<MetricValueWithName<string>>;

export function registerSnapshotHistogram(
  { name, help, read }: SnapshotHistogramSource,
  snapshot: () => ServiceSnapshot,
  registry: Registry,
): void {
  const shape = new Histogram({ name, help, registers: [] });
  readFrom(new Histogram({ name, help, registers: [registry] }), async () => {
    const counted = read(snapshot()) ?? null;
    const empty: MetricValues = await shape.get();
    return { ...empty, values: counted === null ? [] : valuesOf(name, counted) };
  });
}

/** `metric` gives what `read` does, in both ways in which the library asks for it. */
export function readFrom(metric: Metric, read: () => Promise<MetricValues>): void {
  Object.assign(metric, { get: read, getForPromString: read });
}

/** Cumulative, as the format has it. */
function valuesOf(
  name: string,
  { bounds, counts, sum }: HistogramCounts,
): MetricValueWithName<string>[] {
  let count = 0;
  const buckets = [...bounds, "+Inf"].map((le, at) => {
    count += counts[at] ?? 0;
    return { metricName: `${name}_bucket`, labels: { le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
