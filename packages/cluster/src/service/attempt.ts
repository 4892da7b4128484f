// One attempt at a request on one worker: what its worker says, until it ends, is given up, or its
// client leaves.

import type { GenerationEvent } from "@loci/core";
import { AttemptError } from "../link/attempt-error.ts";
import type { FetchOrder } from "../link/worker-link.ts";
import type { LiveAnswer } from "./live-answer.ts";
import type { KnownWorker } from "./worker-table.ts";

export interface AttemptParts {
  readonly live: LiveAnswer;
  /** Null when it has left since it was chosen. */
  readonly worker: KnownWorker | null;
  readonly fetch: FetchOrder | null;
  /** Of the client. */
  readonly signal: AbortSignal;
}

export class Attempt implements Disposable {
  readonly #parts: AttemptParts;
  readonly #events: AsyncIterator<GenerationEvent>;
  readonly #controller = new AbortController();
  readonly #cancel: () => void;
  /** Its worker was given up: what it says from now on does not count. */
  #isMoved = false;
  #isFinished = false;
  #failure: AttemptError | null = null;

  constructor(parts: AttemptParts) {
    const { live, worker, fetch, signal } = parts;
    this.#parts = parts;
    this.#cancel = () => this.#controller.abort();
    signal.addEventListener("abort", this.#cancel, { once: true });
    if (signal.aborted) this.#cancel();
    live.breakOff = () => {
      this.#isMoved = true;
      this.#controller.abort();
    };
    const request = live.nextAttempt();
    const events =
      worker === null ? nobody() : worker.link.generate(request, fetch, this.#controller.signal);
    this.#events = events[Symbol.asyncIterator]();
    if (worker !== null) worker.attempts++;
  }

  /** What is for the client; null when nothing more comes. Throws what is for the client. */
  async next(): Promise<GenerationEvent | null> {
    try {
      const { done, value } = await this.#events.next();
      if (done === true || this.#isOver(value)) return null;
      this.#isFinished = value.type === "finished";
      return value;
    } catch (error) {
      if (this.#isMoved || this.#parts.signal.aborted) return null;
      if (!(error instanceof AttemptError)) throw error;
      this.#failure = error;
      return null;
    }
  }

  /** Why nothing more comes. */
  get failure(): AttemptError {
    if (this.#isMoved) return new AttemptError("worker_stalled", "The worker was given up.");
    const silent = new AttemptError("worker_lost", "The worker broke off its answer.");
    return this.#failure ?? silent;
  }

  /** An attempt that has not ended is cancelled. */
  [Symbol.dispose](): void {
    const { live, worker, signal } = this.#parts;
    live.breakOff = null;
    if (worker !== null) worker.attempts--;
    signal.removeEventListener("abort", this.#cancel);
    if (!this.#isFinished) this.#controller.abort();
    // Nobody waits for what the link still has to tidy.
    this.#events.return?.().catch(() => undefined);
  }

  /** Nothing from `event` on is for the client. */
  #isOver(event: GenerationEvent): boolean {
    if (this.#isMoved) return true;
    // The worker ends, and gave up what it had.
    const isGivenUp = event.type === "finished" && event.reason === "cancelled";
    return isGivenUp && !this.#parts.signal.aborted;
  }
}

async function* nobody(): AsyncGenerator<GenerationEvent, void, undefined> {
  yield* [];
  throw new AttemptError("unreachable", "The worker has left.");
}
