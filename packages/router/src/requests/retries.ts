// What becomes of a request whose attempt failed: another worker, a wait for one, or the end.
//
// A request that some worker had begun, or that was on a worker when it went away, may move: at most
// `movesMax` times, and not to a third worker after two that died with it. One that was refused, or
// never arrived, is a retry and counts against the budget.

import { LociError, uniformAt } from "@loci/core";
import type { Placer } from "../choice/placer.ts";
import { nobodyReady } from "../choice/eligible-workers.ts";
import type { CountsNow } from "../looking/router-counts.ts";
import type { Members } from "../members/members.ts";
import type { RoutedWorker } from "../members/routed-worker.ts";
import type { AttemptFailure, NextAttempt } from "../router-events.ts";
import type { RouterOptions } from "../router-options.ts";
import type { LiveRequest } from "./live-request.ts";
import type { RetryBudget } from "./retry-budget.ts";

const backoffMs = 50;
const backoffGrowth = 1.5;
const backoffJitter = 0.2;
/** While no worker is there. */
const waitMs = 100;
const retryAfterSeconds = 1;
/** Keeps these draws apart from those of placements. */
const backoffStream = 1;

export interface RetriesParts {
  readonly options: RouterOptions;
  readonly members: Members;
  readonly placer: Placer;
  readonly budget: RetryBudget;
  readonly counts: CountsNow;
  readonly seed: number;
}

export class Retries {
  readonly #parts: RetriesParts;
  #draws = 0;

  constructor(parts: RetriesParts) {
    this.#parts = parts;
  }

  /** The request has left `worker`; where to go now. */
  afterFailure(
    live: LiveRequest,
    failure: AttemptFailure,
    tokens: Int32Array,
    nowMs: number,
  ): NextAttempt {
    const { options, budget, counts } = this.#parts;
    if (this.#deathsOf(live) >= options.deathsMax) {
      counts.quarantined++;
      return giveUp(quarantined());
    }
    if (live.moves >= options.movesMax) return giveUp(exhausted(failure));
    const isMove = failure === "worker_lost" || failure === "worker_stalled";
    if (!isMove && !budget.tryRetry(nowMs)) {
      counts.retriesDenied++;
      return giveUp(exhausted(failure));
    }
    if (isMove) counts.moves++;
    else counts.retries++;
    live.moves++;
    return this.attempt(live, tokens, nowMs);
  }

  /** Places it again, if anybody is there. */
  attempt(live: LiveRequest, tokens: Int32Array, nowMs: number): NextAttempt {
    try {
      const placement = this.#parts.placer.place(live, tokens, nowMs);
      if (placement === null) return this.#wait(live, nowMs);
      live.waitsSinceMs = null;
      return { kind: "retry", placement, afterMs: this.#backoff(live) };
    } catch (error) {
      if (error instanceof LociError) return giveUp(error);
      throw error;
    }
  }

  #wait(live: LiveRequest, nowMs: number): NextAttempt {
    live.waitsSinceMs ??= nowMs;
    const isOver = nowMs - live.waitsSinceMs >= this.#parts.options.waitForWorkerMs;
    return isOver ? giveUp(nobodyReady()) : { kind: "wait", afterMs: waitMs };
  }

  #backoff(live: LiveRequest): number {
    const draw = uniformAt(this.#parts.seed, this.#draws++, backoffStream);
    const jitter = 1 + backoffJitter * (2 * draw - 1);
    return backoffMs * backoffGrowth ** (live.moves - 1) * jitter;
  }

  /** Workers that went away with the request; one that was heard again since did not. */
  #deathsOf(live: LiveRequest): number {
    let deaths = 0;
    for (const { workerId, epoch, atMs } of live.deaths) {
      const now: RoutedWorker | null = this.#parts.members.get(workerId);
      const isBack =
        now !== null &&
        now.facts.epoch === epoch &&
        now.doubtedAtMs === null &&
        now.lastHeardMs > atMs;
      if (!isBack) deaths++;
    }
    return deaths;
  }
}

function giveUp(error: LociError): NextAttempt {
  return { kind: "give_up", error };
}

function quarantined(): LociError {
  return new LociError(
    "quarantined",
    "Workers failed while they computed this request; it is not sent to another.",
  );
}

function exhausted(failure: AttemptFailure): LociError {
  if (failure === "refused") {
    return new LociError("queue_full", "The workers are busy.", {
      remedy: "Try again later.",
      retryAfterSeconds,
    });
  }
  return new LociError("unavailable", "The request failed on several workers.", {
    remedy: "Try again in a moment.",
    retryAfterSeconds,
  });
}
