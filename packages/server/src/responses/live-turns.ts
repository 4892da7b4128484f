// Turns that this process works on. The store says that a conversation is busy; this says by whom,
// so that the next turn can wait for one whose client has left instead of being refused.

import { assert, defined, LociError, type Clock, type DeletedTokens } from "@loci/core";
import type { EventLog } from "./event-log.ts";
import { OwedTurns } from "./owed-turns.ts";

export interface LiveTurn {
  /** Aborts when the turn is to end early. */
  readonly signal: AbortSignal;
  /** Resolves when it has ended and what there is of it was kept, or could not be. */
  readonly ended: Promise<void>;
  /** Tries again to keep what could not be kept, and settles the turn if it can. */
  retry(): Promise<void>;
  /** Ends it early. */
  cancel(): void;
  /** What it has left in the cache so far. */
  trace(): TurnTrace;
  /** Null for a turn in the foreground. */
  readonly log: EventLog | null;
}

/** Tokens of a turn in the cache of `owner`. */
export interface TurnTrace extends DeletedTokens {
  readonly owner: string;
}

export interface LiveTurnBounds {
  /** Background turns that run or wait at the same time. */
  readonly backgroundMax: number;
  /** How long a turn may run on before the next one on its conversation is refused. */
  readonly graceMs: number;
  /** Logs of background turns that are over, kept for readers who come back. */
  readonly endedLogsMax: number;
  /** Events in those logs, all together. */
  readonly endedEventsMax: number;
  /** Turns whose ends the store did not take yet; with more no further turn is begun. */
  readonly owedMax: number;
}

const defaultBounds: LiveTurnBounds = {
  backgroundMax: 256,
  graceMs: 250,
  endedLogsMax: 64,
  endedEventsMax: 131_072,
  owedMax: 1024,
};

export class LiveTurns {
  readonly #clock: Clock;
  readonly #bounds: LiveTurnBounds;
  readonly #turns = new Map<string, LiveTurn>();
  readonly #owed: OwedTurns;
  /** Deleted while they ran: nothing of them is told any more. */
  readonly #forgotten = new Set<string>();
  /** Oldest first. */
  readonly #endedLogs = new Map<string, EventLog>();

  constructor(clock: Clock, bounds: LiveTurnBounds = defaultBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#owed = new OwedTurns(clock, async (responseId) => {
      await this.#turns.get(responseId)?.retry();
    });
  }

  get(responseId: string): LiveTurn | null {
    return this.#turns.get(responseId) ?? null;
  }

  /** The events of a background turn that runs or has just ended. */
  log(responseId: string): EventLog | null {
    return this.#turns.get(responseId)?.log ?? this.#endedLogs.get(responseId) ?? null;
  }

  /** Throws queue_full when too many run in the background. */
  requireRoom(): void {
    const running = [...this.#turns].filter(([id, { log }]) => log !== null && !this.#owed.has(id));
    if (running.length < this.#bounds.backgroundMax) return;
    throw new LociError("queue_full", "Too many responses are generated in the background.");
  }

  /** Throws storage_unavailable when the store has failed to take too many turns. */
  requireKept(): void {
    if (this.#owed.size < this.#bounds.owedMax) return;
    throw new LociError("storage_unavailable", "Too many answers wait to be kept.", {
      remedy: "Try again when the store has room and can be reached.",
    });
  }

  add(responseId: string, turn: LiveTurn): void {
    assert(!this.#turns.has(responseId), "a turn is added once");
    this.#turns.set(responseId, turn);
  }

  /** It has ended; one that could not be kept stays, so that `retry` is reached. Its log goes on. */
  settle(responseId: string, isKept: boolean): void {
    const turn = this.#turns.get(responseId);
    if (turn === undefined) return;
    if (isKept) this.#turns.delete(responseId);
    if (isKept) this.#owed.delete(responseId);
    else this.#owed.add(responseId);
    const isForgotten = isKept
      ? this.#forgotten.delete(responseId)
      : this.#forgotten.has(responseId);
    if (turn.log !== null && !isForgotten) this.#keepLog(responseId, turn.log);
  }

  /**
   * Ends a turn that was deleted and forgets what it told. Returns what it has left in the cache;
   * null when it is not under way here.
   */
  forget(responseId: string): TurnTrace | null {
    this.#endedLogs.delete(responseId);
    const turn = this.#turns.get(responseId);
    if (turn === undefined) return null;
    this.#forgotten.add(responseId);
    // What is being computed for it ends before anything that is asked of the cache from now on.
    turn.cancel();
    return turn.trace();
  }

  /** Nothing is tried again from now on. */
  close(): void {
    this.#owed.close();
  }

  /**
   * True as soon as the turn is over. One that was told to end is waited for, since ending takes a
   * moment; one that goes on after a short grace yields false.
   */
  async hasEnded(responseId: string): Promise<boolean> {
    const turn = this.#turns.get(responseId);
    if (turn === undefined) return false;
    const grace = Promise.withResolvers<void>();
    const cancelTimer = this.#clock.after(this.#bounds.graceMs, grace.resolve);
    turn.signal.addEventListener("abort", () => grace.resolve(), { once: true });
    if (turn.signal.aborted) grace.resolve();
    await Promise.race([turn.ended, grace.promise]);
    cancelTimer();
    if (turn.signal.aborted) await turn.ended;
    if (this.#owed.has(responseId)) await turn.retry();
    return !this.#turns.has(responseId);
  }

  /** Resolves when no turn is left. */
  async idle(): Promise<void> {
    await Promise.all([...this.#turns.values()].map((turn) => turn.ended));
  }

  checkIntegrity(): void {
    this.#owed.checkIntegrity();
    for (const id of this.#owed.ids) assert(this.#turns.has(id), "what is owed is not lost");
    for (const id of this.#forgotten) assert(this.#turns.has(id), "who ended is forgotten once");
    assert(this.#endedLogs.size <= this.#bounds.endedLogsMax, "ended logs are bounded");
    assert(this.#endedEvents() <= this.#bounds.endedEventsMax, "ended logs are short in sum");
  }

  #keepLog(responseId: string, log: EventLog): void {
    this.#endedLogs.set(responseId, log);
    const { endedLogsMax, endedEventsMax } = this.#bounds;
    while (this.#endedLogs.size > endedLogsMax || this.#endedEvents() > endedEventsMax) {
      const [oldest] = this.#endedLogs.keys();
      this.#endedLogs.delete(defined(oldest));
    }
  }

  #endedEvents(): number {
    return [...this.#endedLogs.values()].reduce((sum, { length }) => sum + length, 0);
  }
}
