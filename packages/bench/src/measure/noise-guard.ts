// Is the machine quiet? A run records the load, the time stolen by the hypervisor and the time
// other processes took while it ran; a run that was disturbed is void and is repeated.

import { assert } from "@loci/core";
import { readProc } from "./process-cpu.ts";

/** Totals over all cores since boot, in seconds. */
export interface MachineTimes {
  readonly totalSeconds: number;
  readonly busySeconds: number;
  readonly stolenSeconds: number;
}

const ticksPerSecond = 100;

/** Null where there is no /proc/stat. */
export function readMachineTimes(): MachineTimes | null {
  const text = readProc("/proc/stat");
  return text === null ? null : parseMachineTimes(text);
}

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal ... */
export function parseMachineTimes(text: string): MachineTimes {
  const fields = (text.split("\n", 1)[0] ?? "").trim().split(/\s+/).slice(1, 9).map(Number);
  assert(fields.length === 8 && fields.every(Number.isFinite), "/proc/stat has the usual fields");
  const total = fields.reduce((sum, value) => sum + value, 0);
  const [, , , idle = 0, waiting = 0, , , stolen = 0] = fields;
  return {
    totalSeconds: total / ticksPerSecond,
    busySeconds: (total - idle - waiting - stolen) / ticksPerSecond,
    stolenSeconds: stolen / ticksPerSecond,
  };
}

export interface Noise {
  readonly loadAverage: number | null;
  /** Shares of all cores' time. */
  readonly stolenShare: number | null;
  readonly foreignShare: number | null;
}

/**
 * What happened between two readings besides `ownCpuSeconds` of the processes under test.
 * `before` or `after` null: nothing is known.
 */
export function noiseBetween(
  before: MachineTimes | null,
  after: MachineTimes | null,
  ownCpuSeconds: number,
): Noise {
  const loadText = readProc("/proc/loadavg");
  const loadAverage = loadText === null ? null : Number(loadText.split(" ", 1)[0]);
  if (before === null || after === null) {
    return { loadAverage, stolenShare: null, foreignShare: null };
  }
  const total = after.totalSeconds - before.totalSeconds;
  if (total <= 0) return { loadAverage, stolenShare: 0, foreignShare: 0 };
  const foreign = after.busySeconds - before.busySeconds - ownCpuSeconds;
  return {
    loadAverage,
    stolenShare: (after.stolenSeconds - before.stolenSeconds) / total,
    foreignShare: Math.max(0, foreign / total),
  };
}

export interface NoiseLimits {
  readonly stolenShareMax: number;
  readonly foreignShareMax: number;
}

/** Half a core in a hundred stolen, or five in a hundred used by others, voids a run. */
export const noiseLimits: NoiseLimits = { stolenShareMax: 0.02, foreignShareMax: 0.05 };

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** Why a run is void, or null. */
export function voidReason(noise: Noise, limits: NoiseLimits): string | null {
  if (noise.stolenShare !== null && noise.stolenShare > limits.stolenShareMax) {
    return `${percent(noise.stolenShare)} of the processor time was stolen`;
  }
  if (noise.foreignShare !== null && noise.foreignShare > limits.foreignShareMax) {
    return `other processes took ${percent(noise.foreignShare)} of the processor time`;
  }
  return null;
}
