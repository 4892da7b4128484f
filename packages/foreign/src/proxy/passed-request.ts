// One request on its way through: placed by its text, sent to an engine byte for byte, its answer
// passed back as it comes. Until the first byte has gone to the client another engine may get it;
// after that the answer is whatever this one says.

import type { RequestsPort } from "@loci/cluster";
import { AttemptError } from "@loci/cluster";
import { assert, LociError, sleep } from "@loci/core";
import type { Clock } from "@loci/core";
import type { AttemptFailure, Placement, RouteRequest } from "@loci/router";
import type { Dispatcher } from "undici";
import type { AttemptObserver } from "../answer/engine-answer.ts";
import { transportError } from "../http/engine-errors.ts";
import type { EngineHttp, PassedCall } from "../http/engine-http.ts";
import { AnswerScan } from "./answer-scan.ts";
import type { ScannedAnswer } from "./answer-scan.ts";

/** The engines behind the router, as far as text passes through them. */
export interface TextUpstreams {
  get(workerId: string): TextUpstream | null;
}

export interface TextUpstream {
  readonly http: EngineHttp;
  /** Aborted when the engine has stopped talking. */
  readonly silence: AbortSignal;
  /** Follows a request there; null while the engine is not known. */
  observe(request: Pick<RouteRequest, "promptTokens" | "maxTokens">): PassedObserver | null;
}

export interface PassedObserver extends AttemptObserver {
  /** Of the prompt, what the engine is believed to have in its cache. */
  readonly believedTokens: number;
}

export interface PassedRequestParts {
  readonly router: RequestsPort;
  readonly upstreams: TextUpstreams;
  readonly clock: Clock;
  readonly route: RouteRequest;
  readonly call: Omit<PassedCall, "signal">;
  /** Aborted when the client has left. */
  readonly signal: AbortSignal;
}

/** Where the answer goes. */
export interface AnswerSink {
  head(reply: Dispatcher.ResponseData, workerId: string): void;
  /** Resolves when there is room for more; rejects when the client has left. */
  write(bytes: Uint8Array): Promise<void>;
}

const noTokens = new Int32Array(0);
/** Statuses of an engine, or of something before it, that another engine may not give. */
const failuresByStatus: Readonly<Record<number, AttemptFailure>> = {
  429: "refused",
  502: "worker_lost",
  503: "refused",
  504: "worker_stalled",
};

/** Runs it to its end; returns what was seen of the answer, and who gave it. */
export async function passRequest(
  parts: PassedRequestParts,
  sink: AnswerSink,
): Promise<{ readonly workerId: string; readonly scanned: ScannedAnswer }> {
  const { router, route, clock, signal } = parts;
  let placement = router.place(route, clock.nowMs());
  try {
    for (;;) {
      const attempt = new Attempt(parts, placement);
      const failure = await attempt.run(sink);
      if (failure === null) return { workerId: placement.workerId, scanned: attempt.end() };
      placement = await nextPlacement(parts, failure);
      signal.throwIfAborted();
    }
  } catch (error) {
    // Also where the router has given it up: it then knows nothing of it any more.
    const isOver = error instanceof GivenUp;
    const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
    if (!isOver) router.finished(route.id, report, clock.nowMs());
    throw isOver ? error.reason : error;
  }
}

class GivenUp extends Error {
  readonly reason: LociError;

  constructor(reason: LociError) {
    super(reason.message);
    this.reason = reason;
  }
}

async function nextPlacement(
  { router, route, clock }: PassedRequestParts,
  failure: AttemptFailure,
): Promise<Placement> {
  let next = router.failed(route.id, failure, noTokens, clock.nowMs());
  for (;;) {
    if (next.kind === "give_up") throw new GivenUp(next.error);
    await sleep(clock, next.afterMs);
    if (next.kind === "retry") return next.placement;
    next = router.again(route.id, noTokens, clock.nowMs());
  }
}

class Attempt {
  readonly #parts: PassedRequestParts;
  readonly #placement: Placement;
  #scan: AnswerScan | null = null;
  #observer: PassedObserver | null = null;

  constructor(parts: PassedRequestParts, placement: Placement) {
    this.#parts = parts;
    this.#placement = placement;
  }

  /** Null when the answer went to the client; why not, where it may go elsewhere. */
  async run(sink: AnswerSink): Promise<AttemptFailure | null> {
    const { upstreams, route, signal } = this.#parts;
    const upstream = upstreams.get(this.#placement.workerId);
    if (upstream === null) return "unreachable";
    this.#observer = upstream.observe(route);
    const { silence } = upstream;
    const reply = await this.#send(upstream, AbortSignal.any([signal, silence]));
    if (typeof reply === "string") {
      this.#close();
      return reply;
    }
    const failure = failuresByStatus[reply.statusCode];
    if (failure !== undefined) {
      // Read to its end, so that the connection can be used again.
      await reply.body.dump({ limit: 65_536 }).catch(() => undefined);
      this.#close();
      return failure;
    }
    try {
      await this.#passBack(reply, sink);
    } catch (error) {
      reply.body.destroy();
      this.#close();
      const isEngines = silence.aborted || transportError(error, true) !== null;
      if (signal.aborted || !isEngines) throw error;
      throw new LociError("unavailable", "The engine broke its answer off.", { cause: error });
    }
    return null;
  }

  /** Tells the router; after an answer that came to its end. */
  end(): ScannedAnswer {
    const { router, route, clock } = this.#parts;
    const scanned = this.#close();
    const { cachedShare, completionTokens, endedByItself } = scanned;
    const cachedTokens = cachedShare === null ? null : this.#wordsOf(cachedShare);
    router.finished(route.id, { completionTokens, cachedTokens, endedByItself }, clock.nowMs());
    return scanned;
  }

  async #send(
    upstream: TextUpstream,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData | AttemptFailure> {
    try {
      return await upstream.http.pass({ ...this.#parts.call, signal });
    } catch (error) {
      if (upstream.silence.aborted && !this.#parts.signal.aborted) return "worker_stalled";
      if (error instanceof AttemptError) return error.failure;
      throw error;
    }
  }

  async #passBack(reply: Dispatcher.ResponseData, sink: AnswerSink): Promise<void> {
    const { router, route, clock } = this.#parts;
    const type = reply.headers["content-type"];
    this.#scan = new AnswerScan(typeof type === "string" ? type.toLowerCase() : "");
    sink.head(reply, this.#placement.workerId);
    this.#observer?.started(null);
    let isFirst = true;
    const chunks: AsyncIterable<Uint8Array> = reply.body;
    for await (const chunk of chunks) {
      const count = this.#scan.push(chunk);
      if (isFirst) router.started(route.id, this.#observer?.believedTokens ?? 0, clock.nowMs());
      isFirst = false;
      if (count > 0) {
        router.tokens(route.id, count, clock.nowMs());
        this.#observer?.tokens(count);
      }
      await sink.write(chunk);
    }
  }

  #close(): ScannedAnswer {
    const scanned = (this.#scan ?? new AnswerScan("")).finish();
    assert(scanned.cachedShare === null || scanned.cachedShare >= 0, "a share is not negative");
    this.#observer?.ended({
      cachedTokens: scanned.cachedShare === null ? null : this.#wordsOf(scanned.cachedShare),
      completionTokens: scanned.completionTokens ?? 0,
      answerTokens: [],
      prefill: null,
      endedByItself: scanned.endedByItself,
    });
    this.#observer = null;
    return scanned;
  }

  #wordsOf(share: number): number {
    return Math.floor(Math.min(1, share) * this.#parts.route.promptTokens.length);
  }
}
