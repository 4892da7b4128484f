// A cluster under a virtual clock: real routers before real engines. Only devices, the network and
// time are made up.
//
//   arrival ──▶ router.place ──network──▶ engine.submit … steps … ──network──▶ router.tokens, finished
//                  ▲                                       └─ block events, loads ──▶ router
//
// What a message takes on the network is the same for all; none is lost (for that see faults). A run
// is a function of its arguments: its digest covers every event with its time.

import { assert, defined, LociError } from "@loci/core";
import type { GenerationRequest, WorkerLoad } from "@loci/core";
import type { EngineEvent } from "@loci/engine";
import type { LengthPredictor } from "@loci/predict";
import { Router } from "@loci/router";
import type { NextAttempt, Placement, RouterOptions } from "@loci/router";
import type { AnswerBook } from "../run/answer-book.ts";
import { EventDigest } from "../run/event-digest.ts";
import { newRecord } from "../run/request-record.ts";
import type { RequestRecord } from "../run/request-record.ts";
import type { ServerHappening, ServerParts } from "../run/sim-server.ts";
import { specOf } from "../run/simulate.ts";
import { TimeQueue } from "../run/time-queue.ts";
import type { Workload } from "../workload/sim-request.ts";
import { BlockLinks } from "./block-links.ts";
import type { BlockFetch, Transfer } from "./block-links.ts";
import { routeOf } from "./route-of.ts";
import { SimWorker } from "./sim-worker.ts";
import type { WorkerNews } from "./sim-worker.ts";

export interface ClusterParts {
  readonly workload: Workload;
  /** One for each worker. */
  readonly workers: readonly ServerParts[];
  readonly router: Partial<RouterOptions>;
  /** Requests come to each in turn; all hear of all workers. 1 when absent. */
  readonly routers?: number;
  readonly seed: number;
  /** A new predictor for each router; knows nothing when absent. */
  readonly routerLengths?: () => LengthPredictor;
  /** Is told of each request before it comes, for predictors that know the truth. */
  readonly answers?: AnswerBook;
  /** What a message between a router and a worker takes, in milliseconds; 0.5 when absent. */
  readonly networkMs?: number;
  /** What a block takes from worker to worker, in seconds; absent or null: none is moved. */
  readonly fetchSecondsPerBlock?: number | null;
}

export interface ClusterResult {
  readonly records: readonly RequestRecord[];
  /** By record: the worker that answered; -1 where none did. */
  readonly workerOf: readonly number[];
  readonly workers: readonly SimWorker[];
  readonly routers: readonly Router[];
  readonly endMs: number;
  readonly digest: string;
}

/** Times between what routers and workers do by themselves. */
export const reportEveryMs = 500;
export const tickEveryMs = 100;
const networkMsDefault = 0.5;
const noTokens = new Int32Array(0);

type Happening =
  | { readonly kind: "arrival"; readonly index: number }
  | { readonly kind: "attempt"; readonly live: LiveRequest; readonly placement: Placement }
  | { readonly kind: "submit"; readonly live: LiveRequest; readonly worker: SimWorker }
  | { readonly kind: "lend"; readonly live: LiveRequest; readonly fetch: BlockFetch }
  | { readonly kind: "fetched"; readonly live: LiveRequest; readonly transfer: Transfer }
  | { readonly kind: "server"; readonly worker: SimWorker; readonly happening: ServerHappening }
  | { readonly kind: "news"; readonly worker: SimWorker; readonly news: WorkerNews }
  | { readonly kind: "refused"; readonly live: LiveRequest }
  | { readonly kind: "again"; readonly live: LiveRequest }
  | { readonly kind: "load"; readonly worker: SimWorker; readonly load: WorkerLoad }
  | { readonly kind: "report"; readonly worker: SimWorker }
  | { readonly kind: "tick" };

interface LiveRequest {
  readonly spec: GenerationRequest;
  readonly record: RequestRecord;
  readonly router: Router;
  readonly answerTokens: number;
  tokenAtMs: number;
}

/** Runs a workload to its end. */
export function simulateCluster(parts: ClusterParts): ClusterResult {
  return new ClusterSimulation(parts).run();
}

class ClusterSimulation {
  readonly #parts: ClusterParts;
  readonly #networkMs: number;
  readonly #queue = new TimeQueue<Happening>();
  readonly #workers: readonly SimWorker[];
  readonly #byId = new Map<string, SimWorker>();
  readonly #routers: readonly Router[];
  readonly #live = new Map<string, LiveRequest>();
  readonly #records: RequestRecord[] = [];
  readonly #workerOf: number[] = [];
  readonly #digest = new EventDigest();
  readonly #links: BlockLinks | null;
  /** Workers to which something happened at this time. */
  readonly #touched = new Set<SimWorker>();
  #next = 0;
  #nowMs = 0;
  /** Requests that have not ended or not come. */
  #open: number;

  constructor(parts: ClusterParts) {
    const { workers, routers = 1, router, seed, routerLengths } = parts;
    assert(workers.length >= 1 && routers >= 1, "there is a router and a worker");
    this.#parts = parts;
    this.#networkMs = parts.networkMs ?? networkMsDefault;
    this.#open = parts.workload.requests.length;
    const fetchSecondsPerBlock = parts.fetchSecondsPerBlock ?? null;
    this.#links = fetchSecondsPerBlock === null ? null : new BlockLinks(fetchSecondsPerBlock);
    this.#workers = workers.map(
      (server, index) =>
        new SimWorker(index, server, (atMs, worker, happening) =>
          this.#queue.push(atMs, { kind: "server", worker, happening }),
        ),
    );
    for (const worker of this.#workers) this.#byId.set(worker.facts.id, worker);
    this.#routers = Array.from({ length: routers }, (_, index) => {
      const lengths = routerLengths?.();
      const options = { fetchSecondsPerBlock, ...router };
      return new Router(options, { seed: seed + index, ...(lengths && { lengths }) });
    });
  }

  run(): ClusterResult {
    this.#begin();
    while (this.#open > 0) {
      this.#nowMs = this.#queue.nextMs;
      while (this.#queue.nextMs === this.#nowMs) this.#happen(defined(this.#queue.pop()));
      for (const worker of this.#touched) {
        worker.server.schedule(this.#nowMs);
        this.#send(worker);
      }
      this.#touched.clear();
    }
    for (const router of this.#routers) router.checkIntegrity();
    return {
      records: this.#records,
      workerOf: this.#workerOf,
      workers: this.#workers,
      routers: this.#routers,
      endMs: this.#nowMs,
      digest: this.#digest.value,
    };
  }

  #begin(): void {
    for (const worker of this.#workers) {
      for (const router of this.#routers) {
        router.join(worker.facts, 0);
        router.report(worker.facts.id, worker.load, 0);
        router.snapshot(worker.facts.id, worker.snapshot, 0);
      }
      // Not all at the same time.
      const firstMs = (reportEveryMs * (worker.index + 1)) / this.#workers.length;
      this.#queue.push(firstMs, { kind: "report", worker });
    }
    this.#queue.push(tickEveryMs, { kind: "tick" });
    const { requests, clients } = this.#parts.workload;
    const first = clients === null ? 1 : Math.min(clients, requests.length);
    for (let count = 0; count < first; count++) this.#planNext(0);
  }

  /** Plans the arrival of the next request, not before a time. In an open loop one is planned ahead. */
  #planNext(earliestMs: number): void {
    const request = this.#parts.workload.requests[this.#next];
    if (request === undefined) return;
    const atMs = Math.max(earliestMs, request.arrivalMs);
    this.#queue.push(atMs, { kind: "arrival", index: this.#next++ });
  }

  #happen(happening: Happening): void {
    switch (happening.kind) {
      case "arrival":
        this.#arrive(happening.index);
        break;
      case "attempt":
        this.#attempt(happening.live, happening.placement);
        break;
      case "submit":
        this.#submit(happening.live, happening.worker);
        break;
      case "lend":
        this.#lend(happening.live, happening.fetch);
        break;
      case "fetched": {
        const { transfer, live } = happening;
        this.#links?.end(transfer, this.#nowMs);
        this.#touched.add(transfer.source).add(transfer.target);
        this.#submit(live, transfer.target);
        break;
      }
      case "refused": {
        const { router, spec } = happening.live;
        this.#goOn(happening.live, router.failed(spec.id, "refused", noTokens, this.#nowMs));
        break;
      }
      case "again": {
        const { router, spec } = happening.live;
        this.#goOn(happening.live, router.again(spec.id, noTokens, this.#nowMs));
        break;
      }
      case "server":
        happening.worker.server.happen(happening.happening, this.#nowMs);
        this.#touched.add(happening.worker);
        break;
      case "news":
        this.#hear(happening.worker, happening.news);
        break;
      case "report":
        this.#report(happening.worker);
        break;
      case "load":
        for (const router of this.#routers) {
          router.report(happening.worker.facts.id, happening.load, this.#nowMs);
        }
        this.#release();
        break;
      case "tick":
        this.#tick();
    }
  }

  #arrive(index: number): void {
    const { workload, workers, answers } = this.#parts;
    const request = defined(workload.requests[index]);
    if (workload.clients === null) this.#planNext(this.#nowMs);
    const record = newRecord(index, this.#nowMs, request.prompt.tokens);
    this.#records.push(record);
    this.#workerOf.push(-1);
    const { vocabularySize } = defined(workers[0]).limits;
    const spec = specOf(`request ${index}`, request, vocabularySize);
    answers?.tell(spec.promptTokens, request.answerTokens);
    const router = defined(this.#routers[index % this.#routers.length]);
    try {
      const placement = router.placeOrHold(routeOf(spec), this.#nowMs);
      const { answerTokens } = request;
      const live = { spec, record, router, answerTokens, tokenAtMs: 0 };
      this.#live.set(spec.id, live);
      if (placement !== null) this.#attempt(live, placement);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.#end(spec.id, record, "refused");
    }
  }

  /** Requests that waited in their routers go to workers. */
  #release(): void {
    for (const router of this.#routers) {
      for (const released of router.takeReleased(this.#nowMs)) {
        assert("placement" in released, "workers stay, so that somebody takes every request");
        this.#attempt(defined(this.#live.get(released.requestId)), released.placement);
      }
    }
  }

  #attempt(live: LiveRequest, placement: Placement): void {
    const worker = defined(this.#byId.get(placement.workerId), "placements name workers");
    this.#workerOf[live.record.index] = worker.index;
    this.#digest.add(worker.index);
    const arrivalMs = this.#nowMs + this.#networkMs;
    const { fetch: advice } = placement;
    const source = advice === null ? undefined : this.#byId.get(advice.fromWorkerId);
    if (advice === null || source === undefined || this.#links === null) {
      this.#queue.push(arrivalMs, { kind: "submit", live, worker });
      return;
    }
    const fetch = { source, target: worker, request: live.spec, advice };
    this.#queue.push(arrivalMs + this.#networkMs, { kind: "lend", live, fetch });
  }

  /** A worker is asked for blocks; what it has not is computed. */
  #lend(live: LiveRequest, fetch: BlockFetch): void {
    const transfer = this.#links?.begin(fetch, this.#nowMs) ?? null;
    if (transfer === null) {
      const atMs = this.#nowMs + this.#networkMs;
      this.#queue.push(atMs, { kind: "submit", live, worker: fetch.target });
      return;
    }
    const endMs = transfer.endMs + this.#networkMs;
    this.#queue.push(endMs, { kind: "fetched", live, transfer });
  }

  #submit(live: LiveRequest, worker: SimWorker): void {
    const answer = { tokens: live.answerTokens, seed: live.record.index };
    try {
      worker.submit(live.spec, answer, this.#nowMs);
      this.#touched.add(worker);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.#queue.push(this.#nowMs + this.#networkMs, { kind: "refused", live });
    }
  }

  #goOn(live: LiveRequest, next: NextAttempt): void {
    if (next.kind === "give_up") {
      this.#live.delete(live.spec.id);
      this.#end(live.spec.id, live.record, "refused");
      return;
    }
    const atMs = this.#nowMs + next.afterMs;
    if (next.kind === "wait") this.#queue.push(atMs, { kind: "again", live });
    else this.#queue.push(atMs, { kind: "attempt", live, placement: next.placement });
  }

  #send(worker: SimWorker): void {
    const news = worker.takeNews();
    if (news === null) return;
    this.#queue.push(this.#nowMs + this.#networkMs, { kind: "news", worker, news });
  }

  #hear(worker: SimWorker, { events, batch }: WorkerNews): void {
    if (batch !== null) {
      for (const router of this.#routers) router.events(worker.facts.id, batch, this.#nowMs);
    }
    for (const entry of events) this.#take(entry);
    this.#release();
  }

  #take(entry: EngineEvent): void {
    const live = defined(this.#live.get(entry.requestId), "events belong to live requests");
    const { record, router } = live;
    this.#digest.add(record.index);
    this.#digest.addNumber(this.#nowMs);
    if ("error" in entry) {
      const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
      this.#finish(live, "failed", report);
      return;
    }
    const { event } = entry;
    if (event.type === "token") {
      router.tokens(entry.requestId, 1, this.#nowMs);
      this.#takeToken(live);
    } else if (event.type === "started") {
      this.#digest.add(event.cachedTokens);
      record.startedMs = this.#nowMs;
      record.cachedTokens = event.cachedTokens;
      router.started(entry.requestId, event.cachedTokens, this.#nowMs);
    } else {
      const { completionTokens, cachedTokens } = event.usage;
      assert(completionTokens === record.answerTokens, "every token was an event");
      const endedByItself = event.reason === "stop";
      const end = endedByItself ? "finished" : event.reason;
      this.#finish(live, end, { completionTokens, cachedTokens, endedByItself });
    }
  }

  #takeToken(live: LiveRequest): void {
    const { record } = live;
    if (record.firstTokenMs === null) record.firstTokenMs = this.#nowMs;
    else record.longestPauseMs = Math.max(record.longestPauseMs, this.#nowMs - live.tokenAtMs);
    live.tokenAtMs = this.#nowMs;
    record.answerTokens++;
  }

  #finish(
    { spec, record, router }: LiveRequest,
    end: RequestRecord["end"],
    report: Parameters<Router["finished"]>[1],
  ): void {
    router.finished(spec.id, report, this.#nowMs);
    this.#live.delete(spec.id);
    this.#end(spec.id, record, end);
  }

  #end(id: string, record: RequestRecord, end: RequestRecord["end"]): void {
    record.end = end;
    record.endedMs = this.#nowMs;
    this.#digest.addText(id);
    this.#digest.addText(end);
    this.#open--;
    if (this.#parts.workload.clients !== null) this.#planNext(this.#nowMs);
  }

  #report(worker: SimWorker): void {
    const happening = { kind: "load", worker, load: worker.load } as const;
    this.#queue.push(this.#nowMs + this.#networkMs, happening);
    this.#queue.push(this.#nowMs + reportEveryMs, { kind: "report", worker });
  }

  #tick(): void {
    for (const router of this.#routers) {
      router.tick(this.#nowMs);
      for (const news of router.takeNews()) {
        const isHealthy = news.type === "health" && news.requestIds.length === 0;
        assert(isHealthy, `with a network that loses nothing, nobody is ${JSON.stringify(news)}`);
      }
    }
    this.#release();
    this.#queue.push(this.#nowMs + tickEveryMs, { kind: "tick" });
  }
}
