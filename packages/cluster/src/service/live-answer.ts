// One request on its way through the cluster: what its client has been given so far, whichever
// workers it came from.

import { assert } from "@loci/core";
import type { GenerationEvent, GenerationRequest } from "@loci/core";
import type { FinishedReport, RouteRequest } from "@loci/router";
import { AttemptNotes } from "../observation/attempt-notes.ts";
import { attemptId } from "../observation/request-ids.ts";

/** A request meets so many workers that end, at most. */
const placedAnewMax = 3;

type Finished = Extract<GenerationEvent, { type: "finished" }>;

export class LiveAnswer {
  readonly request: GenerationRequest;
  /** For whoever looks on. */
  readonly notes: AttemptNotes;
  readonly #delivered: number[];
  /** Of `#delivered`, those that came with the request. */
  readonly #deliveredBefore: number;
  #cachedTokens: number | null = null;
  #attempts = 0;
  #placedAnew = 0;
  #report: FinishedReport | null = null;
  /** Who has it, or had it last. */
  workerId: string | null = null;
  /** Breaks off the attempt under way, because its worker is given up; null between attempts. */
  breakOff: (() => void) | null = null;

  constructor(request: GenerationRequest, nowMs: number) {
    this.request = request;
    this.notes = new AttemptNotes(request, nowMs);
    this.#delivered = Array.from(request.deliveredTokens ?? []);
    this.#deliveredBefore = this.#delivered.length;
  }

  /** All answer tokens that the client has. */
  get delivered(): Int32Array {
    return Int32Array.from(this.#delivered);
  }

  /** For the router, at the end. */
  get report(): FinishedReport {
    const { deliveredCount: completionTokens } = this;
    const unfinished = { completionTokens, cachedTokens: null, endedByItself: false };
    return this.#report ?? unfinished;
  }

  get deliveredCount(): number {
    return this.#delivered.length;
  }

  routeRequest(): RouteRequest {
    const { request } = this;
    const { payer, sessionKey, userText, priority } = request;
    return {
      id: request.id,
      tenant: request.tenant,
      promptTokens: request.promptTokens,
      maxTokens: request.maxTokens,
      minTokens: request.minTokens,
      ignoreEos: request.ignoreEos,
      temperature: request.sampling.temperature,
      isConstrained: request.sampling.grammar !== null,
      ...(payer !== undefined && { payer }),
      ...(sessionKey !== undefined && { sessionKey }),
      ...(userText !== undefined && { userText }),
      ...(priority !== undefined && { priority }),
    };
  }

  /** Whether it may be placed as if it were new; a few times. */
  mayBePlacedAnew(): boolean {
    return this.#placedAnew++ < placedAnewMax;
  }

  /** The request for the next worker. An attempt has an id of its own: the last may still live. */
  nextAttempt(): GenerationRequest {
    const id = attemptId(this.request.id, this.#attempts++);
    if (this.#delivered.length === 0) return { ...this.request, id };
    // The first token came in time.
    const { firstTokenSecondsMax: _, ...request } = this.request;
    return { ...request, id, deliveredTokens: this.delivered };
  }

  /** What the client gets of a worker's event; null for a repeated `started`. */
  take(event: GenerationEvent): GenerationEvent | null {
    assert(this.#report === null, "nothing follows the end");
    if (event.type === "token") this.#delivered.push(event.tokenId);
    if (event.type === "finished") return this.#finish(event);
    if (event.type !== "started") return event;
    if (this.#cachedTokens !== null) return null;
    this.#cachedTokens = event.cachedTokens;
    return event;
  }

  /** The last event of a request whose client has left. */
  cancelled(): Finished {
    return {
      type: "finished",
      reason: "cancelled",
      text: "",
      stoppedBy: null,
      usage: {
        promptTokens: this.request.promptTokens.length,
        cachedTokens: this.#cachedTokens ?? 0,
        completionTokens: this.#delivered.length,
      },
    };
  }

  checkIntegrity(): void {
    assert(this.#delivered.length >= this.#deliveredBefore, "what was delivered stays so");
    assert(
      this.#delivered.length <= Math.max(this.#deliveredBefore, this.request.maxTokens),
      "bounded",
    );
  }

  #finish(event: Finished): Finished {
    const { usage, reason } = event;
    this.#report = {
      completionTokens: usage.completionTokens,
      cachedTokens: usage.cachedTokens,
      endedByItself: reason === "stop",
    };
    // The client was told once how much was cached, and pays for that.
    const cachedTokens = this.#cachedTokens ?? usage.cachedTokens;
    return { ...event, usage: { ...usage, cachedTokens } };
  }
}
