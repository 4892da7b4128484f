// A burst waits here. While every worker has more than enough to compute, a request that is not sent
// yet loses nothing, and where it is best is known better later: it goes when its prompt's turn would
// come soon at the worker that is best for it by then.
//
// A short prompt passes long ones, and every second of waiting brings a long one nearer, so that
// nobody waits for ever. Where a time for first tokens is wished for, those that will miss it in any
// case let those pass that need not. Who comes when too many wait, or has waited too long, is sent at
// once.

import { assert, LociError } from "@loci/core";
import { nobodyReady } from "../choice/eligible-workers.ts";
import type { Placer } from "../choice/placer.ts";
import type { CountsNow } from "../looking/router-counts.ts";
import type { Placement } from "../placement.ts";
import type { Released } from "../router-events.ts";
import type { RouterOptions } from "../router-options.ts";
import type { LiveRequest } from "./live-request.ts";

/** A second of waiting counts as much as so many seconds less to compute. */
const ageingShare = 0.2;
/** So many are looked at in one turn: each look is a decision over all workers. */
const looksMax = 16;
/** And so many in a second, so that a long burst does not take all of the event loop's time. */
const looksPerSecondMax = 1000;
/** Time alone brings turns nearer, too. */
const lookEveryMs = 50;

export class HeldRequests {
  readonly #placer: Placer;
  readonly #countMax: number;
  readonly #waitMsMax: number;
  readonly #firstTokenSeconds: number;
  readonly #counts: CountsNow;
  /** In order of arrival: seconds that each asks of the worker that was best for it. */
  readonly #seconds = new Map<LiveRequest, number>();
  /** Of all workers, when it was looked at last. */
  #pendingTokens = 0;
  #lookedAtMs = 0;
  /** Then, by what is allowed in a second. */
  #looksLeft = 0;

  constructor(placer: Placer, options: RouterOptions, counts: CountsNow) {
    this.#placer = placer;
    this.#countMax = options.heldMax;
    this.#waitMsMax = options.heldMsMax;
    this.#firstTokenSeconds = (options.firstTokenMs ?? Number.POSITIVE_INFINITY) / 1000;
    this.#counts = counts;
  }

  /** A new request: its place, or null where it waits. Throws LociError when nobody takes it. */
  place(live: LiveRequest, mayHold: boolean, nowMs: number): Placement | null {
    const tokens = live.request.promptTokens;
    const placed = this.#mayHold(mayHold, nowMs)
      ? this.#placer.placeWhereRoom(live, tokens, nowMs)
      : this.#placer.place(live, tokens, nowMs);
    if (placed === null) throw nobodyReady();
    if (typeof placed !== "number") return placed;
    live.waitsSinceMs = nowMs;
    if (this.#seconds.size === 0) this.#looked(nowMs, 0);
    this.#seconds.set(live, placed);
    this.#counts.held++;
    return null;
  }

  /** Those whose turn has come, and those that nobody can take any more. */
  takeReleased(nowMs: number): readonly Released[] {
    const [oldest] = this.#seconds.keys();
    if (oldest === undefined || !this.#isWorthALook(nowMs)) return [];
    const first = this.#first(oldest, nowMs);
    const released = first.flatMap((live) => this.#tryRelease(live, nowMs) ?? []);
    this.#looked(nowMs, first.length);
    return released;
  }

  /** It has ended here, if it was here. */
  forget(live: LiveRequest): void {
    this.#seconds.delete(live);
  }

  checkIntegrity(): void {
    assert(this.#seconds.size <= this.#countMax, "those who wait here are bounded");
    assert(this.#looksLeft <= looksPerSecondMax, "looks are bounded");
    for (const { worker, waitsSinceMs } of this.#seconds.keys()) {
      assert(worker === null && waitsSinceMs !== null, "who is here waits");
    }
  }

  #tryRelease(live: LiveRequest, nowMs: number): Released | null {
    const requestId = live.request.id;
    try {
      const isOverdue = this.#isOverdue(live, nowMs);
      const tokens = live.request.promptTokens;
      const placed = isOverdue
        ? this.#placer.place(live, tokens, nowMs)
        : this.#placer.placeWhereRoom(live, tokens, nowMs);
      if (typeof placed === "number") this.#seconds.set(live, placed);
      // Nobody is there now: some worker may be back before it is overdue.
      if (typeof placed === "number" || (placed === null && !isOverdue)) return null;
      this.#seconds.delete(live);
      if (placed === null) return { requestId, error: nobodyReady() };
      live.waitsSinceMs = null;
      return { requestId, placement: placed };
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.#seconds.delete(live);
      return { requestId, error };
    }
  }

  /** While anybody waits here or all workers have more than enough to do. */
  #mayHold(isAllowed: boolean, nowMs: number): boolean {
    if (!isAllowed || this.#seconds.size >= this.#countMax) return false;
    return this.#seconds.size > 0 || !this.#placer.hasRoom(nowMs);
  }

  #looked(nowMs: number, looks: number): void {
    this.#looksLeft = this.#looksAllowed(nowMs) - looks;
    this.#lookedAtMs = nowMs;
    this.#pendingTokens = this.#placer.pendingTokens;
  }

  /** What was not looked at is saved up for a second. */
  #looksAllowed(nowMs: number): number {
    const more = (looksPerSecondMax * (nowMs - this.#lookedAtMs)) / 1000;
    return Math.min(looksPerSecondMax, this.#looksLeft + more);
  }

  /** Only where workers have less to compute than before does anybody's turn come. */
  #isWorthALook(nowMs: number): boolean {
    const { pendingTokens } = this.#placer;
    const isLess = pendingTokens < this.#pendingTokens;
    this.#pendingTokens = pendingTokens;
    return isLess || nowMs - this.#lookedAtMs >= lookEveryMs;
  }

  #isOverdue({ openedAtMs }: LiveRequest, nowMs: number): boolean {
    return nowMs - openedAtMs >= this.#waitMsMax;
  }

  /** Best first, and the oldest where it has waited too long. */
  #first(oldest: LiveRequest, nowMs: number): readonly LiveRequest[] {
    const ranked = [...this.#seconds].map(([live, seconds]): Ranked => {
      const waitedSeconds = (nowMs - live.openedAtMs) / 1000;
      const isLate = waitedSeconds + seconds > this.#firstTokenSeconds;
      const priority = live.request.priority ?? 0;
      return { live, priority, late: isLate ? 1 : 0, rank: seconds - ageingShare * waitedSeconds };
    });
    ranked.sort(byRank);
    const looks = Math.max(0, Math.floor(Math.min(looksMax, this.#looksAllowed(nowMs))));
    const first = ranked.slice(0, looks).map(({ live }) => live);
    if (this.#isOverdue(oldest, nowMs) && !first.includes(oldest)) first.push(oldest);
    return first;
  }
}

interface Ranked {
  readonly live: LiveRequest;
  readonly priority: number;
  /** 1: its first token cannot come in time any more. */
  readonly late: 0 | 1;
  readonly rank: number;
}

function byRank(one: Ranked, other: Ranked): number {
  return one.priority - other.priority || one.late - other.late || one.rank - other.rank;
}
