// Least expected work first (SSJF, digest 4.3), in seconds, within the classes of priority; whoever
// has waited its bound comes before all. With tenants it is fair: the tenant that is owed most first,
// and the bound holds among its own requests, so that nobody's flood can claim others' turns.

import { assert, defined } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import { bestOf } from "./best-of.ts";
import type { TenantDeficits } from "./tenant-deficits.ts";
import type { WaitBound } from "./wait-bound.ts";
import type { WaitingOrder } from "./waiting-order.ts";
import type { WorkEstimate } from "./work-estimate.ts";

export interface ShortestOrderParts {
  readonly work: WorkEstimate;
  readonly bound: WaitBound;
  /** Null: all tenants are one. */
  readonly deficits: TenantDeficits | null;
}

interface Ranked {
  readonly request: EngineRequest;
  readonly overdueAtMs: number;
  readonly seconds: number;
}

export class ShortestOrder implements WaitingOrder {
  readonly #parts: ShortestOrderParts;
  /** Seconds that a live request has been charged with so far. */
  readonly #charged = new Map<EngineRequest, number>();

  /** Expected work of those who wait, as of an epoch of the estimate. */
  readonly #seconds = new WeakMap<EngineRequest, { epoch: number; seconds: number }>();
  /** The last arrangement, as long as nobody comes or goes or becomes overdue. */
  #arranged: readonly EngineRequest[] | null = null;
  #arrangedUntilMs = 0;

  constructor(parts: ShortestOrderParts) {
    this.#parts = parts;
  }

  arrange(
    waiting: readonly EngineRequest[],
    countMax: number,
    nowMs: number,
  ): readonly EngineRequest[] {
    if (waiting.length < 2) return waiting;
    if (this.#arranged !== null && nowMs < this.#arrangedUntilMs) return this.#arranged;
    const overdue: Ranked[] = [];
    const others: Ranked[] = [];
    this.#arrangedUntilMs = Infinity;
    for (const request of waiting) {
      const overdueAtMs = this.#parts.bound.overdueAtMs(request);
      const ranked = { request, overdueAtMs, seconds: this.#secondsOf(request) };
      if (overdueAtMs <= nowMs) overdue.push(ranked);
      else {
        others.push(ranked);
        this.#arrangedUntilMs = Math.min(this.#arrangedUntilMs, overdueAtMs);
      }
    }
    this.#arranged = this.#inTurns(overdue, others, countMax).map(({ request }) => request);
    return this.#arranged;
  }

  arrived(request: EngineRequest, present: Iterable<EngineRequest>, nowMs: number): void {
    this.#arranged = null;
    this.#parts.bound.arrived(request, present, nowMs);
    this.#parts.deficits?.enter(payerOf(request));
    this.#charged.set(request, 0);
  }

  returned(request: EngineRequest): void {
    this.#arranged = null;
    this.#seconds.delete(request);
  }

  started(request: EngineRequest): void {
    this.#arranged = null;
    this.#charge(request, this.#parts.work.remainingSeconds(request));
  }

  ended(request: EngineRequest): void {
    this.#arranged = null;
    const { bound, deficits, work } = this.#parts;
    const charged = this.#charged.get(request) ?? 0;
    if (request.startedAtMs !== null) {
      const { promptLength, delivered, cachedTokens, generated, forecast } = request;
      const known = promptLength + delivered;
      const computed = Math.max(0, known - cachedTokens);
      const spent = work.seconds(computed, known, generated - delivered);
      bound.learn(work.seconds(computed, known, forecast.expectedAtFirst), spent);
      this.#charge(request, spent - charged);
    }
    this.#charged.delete(request);
    bound.ended(request);
    deficits?.leave(payerOf(request));
  }

  checkIntegrity(present: readonly EngineRequest[]): void {
    assert(this.#charged.size === present.length, "those who are there are charged");
    const live = new Map<string, number>();
    for (const request of present) {
      assert(this.#charged.has(request), "whoever came is charged");
      live.set(payerOf(request), (live.get(payerOf(request)) ?? 0) + 1);
    }
    this.#parts.bound.checkIntegrity(present);
    this.#parts.deficits?.checkIntegrity(live);
  }

  #charge(request: EngineRequest, seconds: number): void {
    this.#charged.set(request, (this.#charged.get(request) ?? 0) + seconds);
    this.#parts.deficits?.charge(payerOf(request), seconds);
  }

  /** Work changes little while a request waits; what was estimated a moment ago still does. */
  #secondsOf(request: EngineRequest): number {
    const { epoch } = this.#parts.work;
    const known = this.#seconds.get(request);
    if (known?.epoch === epoch) return known.seconds;
    const seconds = this.#parts.work.remainingSeconds(request);
    this.#seconds.set(request, { epoch, seconds });
    return seconds;
  }

  /** One request at a time of the tenant that would be owed most by then; its overdue ones first. */
  #inTurns(overdue: readonly Ranked[], others: readonly Ranked[], count: number): Ranked[] {
    const { deficits } = this.#parts;
    const late = byTenant(overdue, deficits !== null);
    const soon = byTenant(others, deficits !== null);
    const turns = [...new Set([...late.keys(), ...soon.keys()])].map((tenant) => {
      const first = bestOf(late.get(tenant) ?? [], count, byBound);
      const then = bestOf(soon.get(tenant) ?? [], count, byPriorityThenWork);
      return { queue: [...first, ...then], next: 0, owed: deficits?.deficit(tenant) ?? 0 };
    });
    const [only] = turns;
    if (turns.length === 1 && only !== undefined) return only.queue.slice(0, count);
    const arranged: Ranked[] = [];
    while (arranged.length < Math.min(count, overdue.length + others.length)) {
      const able = turns.filter(({ queue, next }) => next < queue.length);
      const turn = able.reduce((best, other) => (other.owed > best.owed ? other : best));
      const entry = defined(turn.queue[turn.next]);
      turn.next++;
      turn.owed -= entry.seconds;
      arranged.push(entry);
    }
    return arranged;
  }
}

/** All under one name where tenants do not count. */
function byTenant(ranked: readonly Ranked[], apart: boolean): Map<string, Ranked[]> {
  const groups = new Map<string, Ranked[]>();
  for (const entry of ranked) {
    const tenant = apart ? payerOf(entry.request) : "";
    const group = groups.get(tenant);
    if (group === undefined) groups.set(tenant, [entry]);
    else group.push(entry);
  }
  return groups;
}

function byBound(one: Ranked, other: Ranked): number {
  return one.overdueAtMs - other.overdueAtMs || one.request.arrival - other.request.arrival;
}

function byPriorityThenWork(one: Ranked, other: Ranked): number {
  const priority = (one.request.spec.priority ?? 0) - (other.request.spec.priority ?? 0);
  if (priority !== 0) return priority;
  return one.seconds - other.seconds || one.request.arrival - other.request.arrival;
}

function payerOf({ spec }: EngineRequest): string {
  return spec.payer ?? spec.tenant;
}
