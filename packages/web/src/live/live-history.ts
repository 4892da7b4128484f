// The last minutes as numbers for charts: one point per live view, made of what the service counts
// since its start. A counter that went down belongs to a service that was started anew; nothing is
// known of the time between.

import type { LiveView, ServiceSnapshot } from "@loci/core";

/** What happened since the point before; all null where that is not known. */
export interface TokenDeltas {
  readonly prompt: number;
  readonly fromDevice: number;
  readonly fromHost: number;
  readonly fromDisk: number;
  readonly restored: number;
  readonly recomputed: number;
}

export interface HistoryPoint {
  readonly atMs: number;
  readonly running: number;
  readonly waiting: number;
  readonly generatedPerSecond: number;
  readonly promptPerSecond: number;
  readonly tokens: TokenDeltas | null;
}

interface Counters {
  readonly prompt: number;
  readonly cached: number;
  readonly host: number;
  readonly disk: number;
  readonly restored: number;
  readonly recomputed: number;
}

/** Ten minutes at one view a second. */
export const historyPointsMax = 600;
/** Views this far apart belong to different stretches of watching: what lies between is unknown. */
const gapMsMax = 15_000;

export class LiveHistory {
  readonly #points: HistoryPoint[] = [];
  #counters: Counters | null = null;

  /** Oldest first, at most `historyPointsMax`. */
  get points(): readonly HistoryPoint[] {
    return this.#points;
  }

  /** Views that are not later than the last one are left out. */
  add(live: LiveView): void {
    const last = this.#points.at(-1);
    if (last !== undefined && live.atMs <= last.atMs) {
      // Within the same second nothing new; further back the server's clock was set.
      if (last.atMs - live.atMs < gapMsMax) return;
      this.#points.length = 0;
      this.#counters = null;
    }
    const before = last !== undefined && live.atMs - last.atMs > gapMsMax ? null : this.#counters;
    this.#counters = countersOf(live.service);
    this.#points.push(pointOf(live, deltasOf(before, this.#counters)));
    if (this.#points.length > historyPointsMax) this.#points.shift();
  }

  /** Throws when the ring is not what it says. */
  checkIntegrity(): void {
    if (this.#points.length > historyPointsMax) throw new Error("the history is bounded");
    let atMs = Number.NEGATIVE_INFINITY;
    for (const point of this.#points) {
      if (point.atMs <= atMs) throw new Error("points are in the order of time");
      ({ atMs } = point);
    }
  }
}

function pointOf({ atMs, service, rates }: LiveView, tokens: TokenDeltas | null): HistoryPoint {
  return {
    atMs,
    running: service.requestsRunning,
    waiting: service.requestsWaiting,
    generatedPerSecond: rates.generatedPerSecond,
    promptPerSecond: rates.promptPerSecond,
    tokens,
  };
}

function countersOf(service: ServiceSnapshot): Counters {
  const restoredOf = (name: string): number =>
    service.kvTiers?.find((tier) => tier.name === name)?.restoredTokens ?? 0;
  const restored = (service.kvTiers ?? []).reduce((sum, tier) => sum + tier.restoredTokens, 0);
  const { cluster } = service;
  // A router knows where it believed a prompt's tokens to lie; an engine what it brought back.
  const isRouter = service.kvTiers === undefined && cluster !== undefined;
  return {
    prompt: service.promptTokens,
    cached: service.cachedTokens,
    host: isRouter ? cluster.hitTokens.host : restoredOf("host"),
    disk: isRouter ? cluster.hitTokens.disk : restoredOf("disk"),
    restored,
    recomputed: service.kvDevice?.recomputedTokens ?? 0,
  };
}

function deltasOf(before: Counters | null, after: Counters): TokenDeltas | null {
  if (before === null) return null;
  const names = ["prompt", "cached", "host", "disk", "restored", "recomputed"] as const;
  if (names.some((name) => after[name] < before[name])) return null;
  const cached = after.cached - before.cached;
  const fromDisk = Math.min(cached, after.disk - before.disk);
  const fromHost = Math.min(cached - fromDisk, after.host - before.host);
  return {
    prompt: after.prompt - before.prompt,
    fromDevice: cached - fromDisk - fromHost,
    fromHost,
    fromDisk,
    restored: after.restored - before.restored,
    recomputed: after.recomputed - before.recomputed,
  };
}
