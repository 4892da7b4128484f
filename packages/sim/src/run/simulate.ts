// One server under a virtual clock: the real engine, driven as a server drives it, with a runner and
// a mover that only say how long things take.
//
//   arrivals, cancellations, ends of steps and moves ──▶ time queue
//        ▲                                                   │ all that happen at one time
//        │ closed loop: the next request                     ▼
//        └──────────── events ◀── commit ◀── engine ◀── submit, cancel, moved
//
// A run is a function of its arguments: its digest covers every event with its time.

import { assert, defined, greedySampling, LociError } from "@loci/core";
import type { GenerationRequest, ServiceSnapshot } from "@loci/core";
import type { Engine, EngineEvent } from "@loci/engine";
import type { AnswerBook } from "./answer-book.ts";
import { promptTokens } from "../workload/prompt-tokens.ts";
import type { SimRequest, Workload } from "../workload/sim-request.ts";
import { EventDigest } from "./event-digest.ts";
import { newRecord } from "./request-record.ts";
import type { RequestRecord } from "./request-record.ts";
import { SimServer } from "./sim-server.ts";
import type { ServerHappening, ServerParts } from "./sim-server.ts";
import { TimeQueue } from "./time-queue.ts";

export interface SimulationParts extends ServerParts {
  readonly workload: Workload;
  /** Is told of each request before it comes, for predictors that know the truth. */
  readonly answers?: AnswerBook;
  /** The run stops here, whatever still goes on; null = when everything has ended. */
  readonly untilMs?: number | null;
}

export interface SimulationResult {
  readonly records: readonly RequestRecord[];
  readonly snapshot: ServiceSnapshot;
  /** Virtual time at the end of the last event. */
  readonly endMs: number;
  /** Virtual time that the device computed. */
  readonly busyMs: number;
  /** Shares of the device's blocks that requests held, over time. */
  readonly memory: { readonly mean: number; readonly max: number };
  readonly digest: string;
}

type Happening =
  | { readonly kind: "arrival"; readonly index: number }
  | { readonly kind: "cancel"; readonly index: number }
  | ServerHappening;

/** Runs a workload to its end. Throws LociError `invalid_request` for one that can never run. */
export function simulate(parts: SimulationParts): SimulationResult {
  return new Simulation(parts).run();
}

class Simulation {
  readonly #parts: SimulationParts;
  readonly #server: SimServer;
  readonly #engine: Engine;
  readonly #queue = new TimeQueue<Happening>();
  readonly #records: RequestRecord[] = [];
  readonly #byId = new Map<string, RequestRecord>();
  readonly #digest = new EventDigest();
  /** By the request's number. */
  readonly #tokenAtMs: number[] = [];
  #next = 0;
  #nowMs = 0;

  constructor(parts: SimulationParts) {
    this.#parts = parts;
    this.#server = new SimServer(parts, (atMs, happening) => this.#queue.push(atMs, happening));
    this.#engine = this.#server.engine;
  }

  run(): SimulationResult {
    const untilMs = this.#parts.untilMs ?? Infinity;
    this.#planArrivals();
    while (this.#queue.size > 0 && this.#queue.nextMs <= untilMs) {
      this.#nowMs = this.#queue.nextMs;
      while (this.#queue.nextMs === this.#nowMs) this.#happen(defined(this.#queue.pop()));
      this.#server.schedule(this.#nowMs);
      this.#deliver();
    }
    assert(this.#engine.isIdle || untilMs < Infinity, "everything ends");
    return {
      records: this.#records,
      snapshot: this.#engine.snapshot(),
      endMs: this.#nowMs,
      busyMs: this.#server.busyMs,
      memory: this.#server.memory.result(this.#nowMs),
      digest: this.#digest.value,
    };
  }

  #planArrivals(): void {
    const { requests, clients } = this.#parts.workload;
    const first = clients === null ? 1 : Math.min(clients, requests.length);
    for (let count = 0; count < first; count++) this.#planNext(0);
  }

  /** Plans the arrival of the next request, not before a time. In an open loop one is planned ahead. */
  #planNext(earliestMs: number): void {
    const request = this.#parts.workload.requests[this.#next];
    if (request === undefined) return;
    const atMs = Math.max(earliestMs, request.arrivalMs);
    this.#queue.push(atMs, { kind: "arrival", index: this.#next });
    this.#next++;
  }

  #happen(happening: Happening): void {
    switch (happening.kind) {
      case "arrival":
        this.#submit(happening.index);
        break;
      case "cancel":
        this.#engine.cancel(idOf(happening.index), this.#nowMs);
        break;
      case "step":
      case "move":
        this.#server.happen(happening, this.#nowMs);
    }
  }

  #submit(index: number): void {
    const { workload, limits } = this.#parts;
    const request = defined(workload.requests[index]);
    if (workload.clients === null) this.#planNext(this.#nowMs);
    const record = newRecord(index, this.#nowMs, request.prompt.tokens);
    this.#records.push(record);
    const id = idOf(index);
    this.#server.runner.plan(id, { tokens: request.answerTokens, seed: index });
    try {
      const spec = specOf(id, request, limits.vocabularySize);
      this.#parts.answers?.tell(spec.promptTokens, request.answerTokens);
      this.#engine.submit(spec, this.#nowMs);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.#end(id, record, "refused");
      return;
    }
    this.#byId.set(id, record);
    if (request.cancelAfterMs !== null) {
      this.#queue.push(this.#nowMs + request.cancelAfterMs, { kind: "cancel", index });
    }
  }

  #deliver(): void {
    for (const entry of this.#engine.takeEvents()) this.#take(entry);
  }

  #take(entry: EngineEvent): void {
    const record = defined(this.#byId.get(entry.requestId), "events belong to live requests");
    this.#digest.add(record.index);
    this.#digest.addNumber(this.#nowMs);
    if ("error" in entry) {
      this.#end(entry.requestId, record, "failed");
      return;
    }
    const { event } = entry;
    if (event.type === "token") {
      this.#digest.add(event.tokenId);
      this.#takeToken(record);
    } else if (event.type === "started") {
      this.#digest.add(event.cachedTokens);
      record.startedMs = this.#nowMs;
      record.cachedTokens = event.cachedTokens;
    } else {
      assert(event.usage.completionTokens === record.answerTokens, "every token was an event");
      this.#end(entry.requestId, record, event.reason === "stop" ? "finished" : event.reason);
    }
  }

  #takeToken(record: RequestRecord): void {
    const pauseMs = this.#nowMs - (this.#tokenAtMs[record.index] ?? this.#nowMs);
    if (pauseMs > record.longestPauseMs) record.longestPauseMs = pauseMs;
    this.#tokenAtMs[record.index] = this.#nowMs;
    record.firstTokenMs ??= this.#nowMs;
    record.answerTokens++;
  }

  #end(id: string, record: RequestRecord, end: RequestRecord["end"]): void {
    record.end = end;
    record.endedMs = this.#nowMs;
    this.#digest.addText(end);
    this.#byId.delete(id);
    this.#server.runner.release(id);
    if (this.#parts.workload.clients !== null) this.#planNext(this.#nowMs);
  }
}

function idOf(index: number): string {
  return `request ${index}`;
}

/** The request as a client would send it. */
export function specOf(id: string, request: SimRequest, vocabularySize: number): GenerationRequest {
  const { prompt, maxTokens, ignoresEnd, tenant, userText } = request;
  return {
    id,
    tenant,
    promptTokens: promptTokens(prompt, vocabularySize),
    maxTokens: maxTokens ?? Number.MAX_SAFE_INTEGER,
    minTokens: 0,
    ignoreEos: ignoresEnd,
    stop: [],
    stopTokenIds: [],
    sampling: greedySampling,
    ...(userText === null ? {} : { userText }),
  };
}
