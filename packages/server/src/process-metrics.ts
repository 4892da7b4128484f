// What the server's own process takes, and what it is. Workers are processes of their own.

import type { Clock } from "@loci/core";
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";

export interface ProcessFacts {
  readonly version: string;
  readonly model: string;
  readonly clock: Clock;
}

const microsecondsPerSecond = 1e6;

export function registerProcessMetrics(facts: ProcessFacts, registry: Registry): void {
  const registers = [registry];
  const startedUnixSeconds = facts.clock.unixSeconds() - Math.round(process.uptime());
  const gauge = (name: string, help: string, read: () => number): Gauge => {
    const metric: Gauge = new Gauge({ name, help, registers, collect: () => metric.set(read()) });
    return metric;
  };
  gauge("process_resident_memory_bytes", "Memory that the server's process has in RAM", () =>
    process.memoryUsage.rss(),
  );
  gauge(
    "process_start_time_seconds",
    "When the server's process began, since 1970",
    () => startedUnixSeconds,
  );
  const cpu: Counter = new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time of the server's process",
    registers,
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / microsecondsPerSecond);
    },
  });
  new Gauge({
    name: "loci_build_info",
    help: "1, with the version and the served model as labels",
    labelNames: ["version", "model"],
    registers,
  }).set({ version: facts.version, model: facts.model }, 1);
}
