// Who is in the cluster and how well: starting → alive ⇄ suspect → dead, by how long a worker has
// been silent; draining on request. A worker that is heard again is alive again.
//
// Silence is measured against a clock that stands still while this process does: when `tick` comes
// late, everyone is forgiven the lateness, so a paused router does not declare its cluster dead.

import { assert, LociError } from "@loci/core";
import type { RouterOptions } from "../router-options.ts";
import type { RouterNews, WorkerHealth } from "../router-events.ts";
import type { WorkerFacts } from "../worker-facts.ts";
import type { CountsNow } from "../looking/router-counts.ts";
import { PresentColumns } from "./present-columns.ts";
import { RoutedWorker } from "./routed-worker.ts";

/** A tick that comes later than this after the one before was held up. */
const tickLateMs = 1000;
/** Changes kept for a shell that does not take them; the oldest go. */
const newsMax = 4096;

/** Told when what is known of a worker's blocks ends, or begins anew. */
export interface SlotListener {
  readonly opened: (worker: RoutedWorker) => void;
  readonly closed: (worker: RoutedWorker) => void;
}

export class Members {
  readonly #options: RouterOptions;
  readonly #slots: SlotListener;
  readonly #counts: CountsNow;
  readonly #byId = new Map<string, RoutedWorker>();
  /** The same, for those who go through all. */
  #all: readonly RoutedWorker[] = [];
  readonly #present: PresentColumns;
  readonly #freeSlots: number[] = [];
  #slotsUsed = 0;
  #news: RouterNews[] = [];
  #tickedAtMs: number | null = null;

  constructor(options: RouterOptions, slots: SlotListener, counts: CountsNow) {
    this.#options = options;
    this.#slots = slots;
    this.#counts = counts;
    this.#present = new PresentColumns(options.workersMax);
  }

  get size(): number {
    return this.#byId.size;
  }

  /** In order of joining. */
  all(): readonly RoutedWorker[] {
    return this.#all;
  }

  get(workerId: string): RoutedWorker | null {
    return this.#byId.get(workerId) ?? null;
  }

  /** Of the workers that have these slots. */
  idsOf(slots: readonly number[]): readonly string[] {
    const wanted = new Set(slots);
    const ids: string[] = [];
    for (const { slot, id } of this.#byId.values()) if (wanted.has(slot)) ids.push(id);
    return ids;
  }

  /**
   * Adds a worker; known ones with the epoch they had only spoke again. Throws LociError
   * `queue_full` when there are too many.
   */
  join(facts: WorkerFacts, nowMs: number): void {
    assert(facts.blockTokens >= 1 && facts.sequencesMax >= 1, "a worker holds and computes some");
    const known = this.#byId.get(facts.id);
    if (known !== undefined && known.facts.epoch === facts.epoch) {
      this.heard(facts.id, nowMs);
      return;
    }
    if (known === undefined) this.#makeRoom();
    else this.#end(known);
    const slot = this.#freeSlots.pop() ?? this.#slotsUsed++;
    const place = { slot, present: this.#present };
    const worker = new RoutedWorker(facts, place, nowMs, known?.breaker ?? null);
    this.#byId.set(facts.id, worker);
    this.#all = [...this.#byId.values()];
    this.#slots.opened(worker);
  }

  leave(workerId: string): void {
    const worker = this.#byId.get(workerId);
    if (worker === undefined) return;
    this.#end(worker);
    this.#byId.delete(workerId);
    this.#all = [...this.#byId.values()];
  }

  drain(workerId: string, nowMs: number): void {
    const worker = this.#byId.get(workerId);
    if (worker === undefined || worker.drainsUntilMs !== null) return;
    worker.drainsUntilMs = nowMs + this.#options.drainMs;
    if (worker.health !== "dead") this.#become(worker, "draining");
  }

  /** The worker said something. Unknown ones are ignored: they left, or have not joined. */
  heard(workerId: string, nowMs: number): RoutedWorker | null {
    const worker = this.#byId.get(workerId);
    if (worker === undefined) return null;
    worker.lastHeardMs = Math.max(worker.lastHeardMs, nowMs);
    worker.doubtedAtMs = null;
    if (worker.health === "dead") {
      this.#slots.opened(worker);
      worker.blocks?.wantSnapshot();
    }
    this.#become(worker, worker.drainsUntilMs === null ? "alive" : "draining");
    return worker;
  }

  /** A connection to it broke: it gets nothing new until it is heard again. */
  doubt(worker: RoutedWorker, nowMs: number): void {
    if (this.#byId.get(worker.id) !== worker) return;
    worker.doubtedAtMs ??= nowMs;
    if (worker.health === "alive" || worker.health === "starting") this.#become(worker, "suspect");
  }

  /** Health by silence, and snapshots to ask for; every 100 ms or so. */
  tick(nowMs: number): void {
    const before = this.#tickedAtMs ?? nowMs;
    const lateMs = nowMs - before > tickLateMs ? nowMs - before : 0;
    this.#tickedAtMs = nowMs;
    for (const worker of this.#byId.values()) {
      worker.lastHeardMs = Math.min(nowMs, worker.lastHeardMs + lateMs);
      if (worker.health === "dead") continue;
      worker.tick(nowMs);
      this.#askForSnapshot(worker, nowMs);
      const silentMs = nowMs - worker.lastHeardMs;
      if (silentMs >= this.#options.deadAfterMs) this.#die(worker);
      else if (silentMs >= this.#options.suspectAfterMs) this.#suspect(worker);
      else if (worker.drainsUntilMs !== null && nowMs >= worker.drainsUntilMs) {
        this.#tell(worker, "draining", requestIds(worker));
        worker.drainsUntilMs = Number.POSITIVE_INFINITY;
      }
    }
  }

  /** Takes in a slice of a large snapshot; false when none is left. */
  catchUp(): boolean {
    return this.#all.some(({ blocks }) => blocks?.catchUp() === true);
  }

  takeNews(): RouterNews[] {
    const news = this.#news;
    this.#news = [];
    return news;
  }

  checkIntegrity(): void {
    assert(this.#byId.size <= this.#options.workersMax, "workers are bounded");
    assert(this.#slotsUsed <= this.#options.workersMax, "slots are bounded");
    const slots = new Set(this.#freeSlots);
    for (const [id, worker] of this.#byId) {
      assert(worker.id === id && !slots.has(worker.slot), "each worker has a slot of its own");
      slots.add(worker.slot);
      worker.checkIntegrity();
    }
    assert(slots.size === this.#slotsUsed, "every slot is used or free");
    assert(this.#all.length === this.#byId.size, "all are listed");
    for (const worker of this.#all) {
      assert(this.#byId.get(worker.id) === worker, "who is listed is here");
    }
    assert(this.#news.length <= newsMax, "news are bounded");
  }

  #makeRoom(): void {
    if (this.#byId.size < this.#options.workersMax) return;
    for (const worker of this.#byId.values()) {
      if (worker.health === "dead") {
        this.leave(worker.id);
        return;
      }
    }
    throw new LociError("queue_full", "The cluster has as many workers as it can have.", {
      remedy: "Remove workers or raise the router's bound.",
    });
  }

  /** This life of the worker is over; its requests, if any, have to go elsewhere. */
  #end(worker: RoutedWorker): void {
    if (worker.health !== "dead") this.#die(worker);
    worker.leavePlace();
    this.#freeSlots.push(worker.slot);
  }

  #die(worker: RoutedWorker): void {
    worker.health = "dead";
    this.#slots.closed(worker);
    this.#counts.workerDeaths++;
    this.#tell(worker, "dead", requestIds(worker));
  }

  #askForSnapshot(worker: RoutedWorker, nowMs: number): void {
    if (!worker.facts.sendsEvents || worker.blocks?.shouldAsk(nowMs) !== true) return;
    this.#counts.snapshotsWanted++;
    this.#push({ type: "snapshot_wanted", workerId: worker.id });
  }

  #suspect(worker: RoutedWorker): void {
    if (worker.health !== "draining") this.#become(worker, "suspect");
  }

  #become(worker: RoutedWorker, health: WorkerHealth): void {
    if (worker.health === health) return;
    worker.health = health;
    this.#tell(worker, health, []);
  }

  #tell(worker: RoutedWorker, health: WorkerHealth, ids: readonly string[]): void {
    this.#push({ type: "health", workerId: worker.id, health, requestIds: ids });
  }

  #push(news: RouterNews): void {
    if (this.#news.length >= newsMax) this.#news.shift();
    this.#news.push(news);
  }
}

function requestIds(worker: RoutedWorker): readonly string[] {
  return [...worker.requests].map(({ request }) => request.id);
}
