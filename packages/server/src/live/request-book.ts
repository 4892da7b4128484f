// Which requests this server had lately, whose they were and how they went, as their events passed
// by. It knows no more than what a list shows: the story of one is told by whoever computed it.
// Clients know a request by several names: the id of its answer, and the id of the HTTP request.

import { assert, type Clock } from "@loci/core";
import type { GenerationEvent, GenerationRequest, RequestHead } from "@loci/core";

/** Requests remembered; the oldest go first. */
const requestsMax = 1024;

interface Entry {
  readonly id: string;
  readonly tenant: string;
  readonly session: string | null;
  /** The tenant and the HTTP request's id. */
  readonly httpName: string | null;
  readonly submittedMs: number;
  readonly submittedUnixSeconds: number;
  promptTokens: number;
  cachedTokens: number;
  generatedTokens: number;
  isStarted: boolean;
  firstTokenMs: number | null;
  endMs: number | null;
  outcome: string | null;
}

/** What is noted of one request while it runs. */
export interface RequestNote {
  event(event: GenerationEvent): void;
  /** A finish reason, or the code of the error that ended it. */
  ended(outcome: string): void;
}

/** What others know of a request. */
export interface HeadFacts {
  workerOf(requestId: string): string | null;
  conversationOf(session: string | null): string | null;
}

export class RequestBook {
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  /** The request that a tenant used an HTTP request's id for last. */
  readonly #byHttpName = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `httpId`: what the answer's x-request-id says. */
  open(request: GenerationRequest, httpId: string | null): RequestNote {
    const tenant = request.payer ?? request.tenant;
    const httpName = httpId === null ? null : httpNameOf(tenant, httpId);
    const entry: Entry = {
      id: request.id,
      tenant,
      session: request.sessionKey ?? null,
      httpName,
      submittedMs: this.#clock.nowMs(),
      submittedUnixSeconds: this.#clock.unixSeconds(),
      promptTokens: request.promptTokens.length,
      cachedTokens: 0,
      generatedTokens: request.deliveredTokens?.length ?? 0,
      isStarted: false,
      firstTokenMs: null,
      endMs: null,
      outcome: null,
    };
    this.#forget(this.#entries.get(entry.id));
    this.#entries.set(entry.id, entry);
    if (httpName !== null && this.#isFirstOf(httpName)) this.#byHttpName.set(httpName, entry.id);
    this.#dropOldest();
    return {
      event: (event) => this.#note(entry, event),
      ended: (outcome) => {
        entry.endMs ??= this.#clock.nowMs();
        entry.outcome ??= outcome;
      },
    };
  }

  /** The tenant who sent it; null when it is not remembered. */
  tenantOf(requestId: string): string | null {
    return this.#entries.get(requestId)?.tenant ?? null;
  }

  /**
   * The request that a tenant means by `name`: its own id, the id of an answer (whose first
   * generation it is), or an HTTP request's. The name itself when it is none of these.
   */
  resolve(name: string, tenant: string): string {
    if (this.#entries.has(name)) return name;
    const first = `${name}-0-0`;
    if (this.#entries.has(first)) return first;
    return this.#byHttpName.get(httpNameOf(tenant, name)) ?? name;
  }

  /** A tenant's requests, newest first. */
  heads(tenant: string, limit: number, known: HeadFacts): readonly RequestHead[] {
    const own: RequestHead[] = [];
    for (const entry of [...this.#entries.values()].toReversed()) {
      if (own.length >= limit) break;
      if (entry.tenant === tenant) own.push(headOf(entry, known));
    }
    return own;
  }

  checkIntegrity(): void {
    assert(this.#entries.size <= requestsMax, "remembered requests are bounded");
    for (const [httpName, id] of this.#byHttpName) {
      assert(this.#entries.get(id)?.httpName === httpName, "a name means a remembered request");
    }
  }

  /** Of the answers of one HTTP request the first is meant; a name used anew means the new one. */
  #isFirstOf(httpName: string): boolean {
    const known = this.#entries.get(this.#byHttpName.get(httpName) ?? "");
    return known === undefined || known.endMs !== null;
  }

  #note(entry: Entry, event: GenerationEvent): void {
    switch (event.type) {
      case "started":
        entry.isStarted = true;
        entry.promptTokens = event.promptTokens;
        entry.cachedTokens = event.cachedTokens;
        return;
      case "token":
        entry.generatedTokens++;
        entry.firstTokenMs ??= this.#clock.nowMs();
        return;
      case "finished":
      default:
        entry.endMs = this.#clock.nowMs();
        entry.outcome = event.reason;
    }
  }

  #dropOldest(): void {
    if (this.#entries.size <= requestsMax) return;
    const [oldest] = this.#entries.values();
    this.#forget(oldest);
  }

  #forget(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const { id, httpName } = entry;
    this.#entries.delete(id);
    if (httpName !== null && this.#byHttpName.get(httpName) === id) {
      this.#byHttpName.delete(httpName);
    }
  }
}

/** Clients choose such ids, so one must not hide another's. */
function httpNameOf(tenant: string, httpId: string): string {
  return `${tenant} ${httpId}`;
}

function headOf(entry: Entry, known: HeadFacts): RequestHead {
  const since = (ms: number | null): number | null =>
    ms === null ? null : Math.max(0, (ms - entry.submittedMs) / 1000);
  return {
    id: entry.id,
    session: entry.session,
    conversation: known.conversationOf(entry.session),
    worker: known.workerOf(entry.id),
    phase: phaseOf(entry),
    finishReason: entry.outcome,
    promptTokens: entry.promptTokens,
    cachedTokens: entry.cachedTokens,
    generatedTokens: entry.generatedTokens,
    firstTokenSeconds: since(entry.firstTokenMs),
    endSeconds: since(entry.endMs),
    submittedUnixSeconds: entry.submittedUnixSeconds,
  };
}

/** What passes by tells no finer than so. */
function phaseOf(entry: Entry): RequestHead["phase"] {
  if (entry.endMs !== null) return null;
  if (!entry.isStarted) return "waiting";
  return entry.firstTokenMs === null ? "prefill" : "decode";
}
