// Least expected work first (SSJF, digest 4.3), in seconds, within the classes of priority; whoever
// has waited its bound comes before all. With tenants it is fair: the tenant that is owed most first,
// and the bound holds among its own requests, so that nobody's flood can claim others' turns.

import { defined } from "@loci/core";
import type { EngineRequest } from "../request.ts";
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
    const ranked = waiting.map((request) => ({
      request,
      overdueAtMs: this.#parts.bound.overdueAtMs(request),
      seconds: this.#parts.work.remainingSeconds(request),
    }));
    const overdue = ranked.filter(({ overdueAtMs }) => overdueAtMs <= nowMs);
    const others = ranked.filter(({ overdueAtMs }) => overdueAtMs > nowMs);
    overdue.sort((one, other) => one.overdueAtMs - other.overdueAtMs);
    others.sort(byPriorityThenWork);
    const arranged = this.#inTurns([...overdue, ...others], countMax);
    this.#arranged = arranged.slice(0, countMax).map(({ request }) => request);
    this.#arrangedUntilMs = others.reduce(
      (soonest, { overdueAtMs }) => Math.min(soonest, overdueAtMs),
      Infinity,
    );
    return this.#arranged;
  }

  arrived(request: EngineRequest, present: Iterable<EngineRequest>, nowMs: number): void {
    this.#arranged = null;
    this.#parts.bound.arrived(request, present, nowMs);
    this.#parts.deficits?.enter(request.spec.tenant);
    this.#charged.set(request, 0);
  }

  returned(): void {
    this.#arranged = null;
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
      const { promptLength, cachedTokens, generated, forecast } = request;
      const computed = Math.max(0, promptLength - cachedTokens);
      const spent = work.seconds(computed, promptLength, generated);
      bound.learn(work.seconds(computed, promptLength, forecast.expectedAtFirst), spent);
      this.#charge(request, spent - charged);
    }
    this.#charged.delete(request);
    bound.ended(request);
    deficits?.leave(request.spec.tenant);
  }

  #charge(request: EngineRequest, seconds: number): void {
    this.#charged.set(request, (this.#charged.get(request) ?? 0) + seconds);
    this.#parts.deficits?.charge(request.spec.tenant, seconds);
  }

  /** One request at a time of the tenant that would be owed most by then. */
  #inTurns(ranked: readonly Ranked[], countMax: number): readonly Ranked[] {
    const { deficits } = this.#parts;
    if (deficits === null) return ranked;
    const queues = new Map<string, Ranked[]>();
    for (const entry of ranked) {
      const { tenant } = entry.request.spec;
      const queue = queues.get(tenant);
      if (queue === undefined) queues.set(tenant, [entry]);
      else queue.push(entry);
    }
    if (queues.size < 2) return ranked;
    const turns = [...queues].map(([tenant, queue]) => {
      return { queue, next: 0, owed: deficits.deficit(tenant) };
    });
    const arranged: Ranked[] = [];
    while (arranged.length < Math.min(countMax, ranked.length)) {
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

function byPriorityThenWork(one: Ranked, other: Ranked): number {
  const priority = (one.request.spec.priority ?? 0) - (other.request.spec.priority ?? 0);
  if (priority !== 0) return priority;
  return one.seconds - other.seconds || one.request.arrival - other.request.arrival;
}
