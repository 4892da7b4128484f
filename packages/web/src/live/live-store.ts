// One stream of live views for all that is shown of them: open while somebody watches and the page
// is visible, opened again when it breaks, later and later. A server that refuses is asked less
// often; one whose stream has gone quiet counts as gone.

import type { LiveView } from "@loci/core";
import { batch, signal, type ReadonlySignal } from "@preact/signals";
import { HappeningLog } from "./happening-log.ts";
import { LiveHistory } from "./live-history.ts";
import { decodeLiveView } from "./decode-live-view.ts";

/** Delivers each event's data; resolves when the stream ends, rejects when it fails. */
export type LiveSource = (signal: AbortSignal, onData: (data: string) => void) => Promise<unknown>;

export type LiveStatus =
  | { readonly kind: "idle" }
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** Tried again after `retryMs`; null: only when `retryNow` says so. */
  | { readonly kind: "broken"; readonly cause: unknown; readonly retryMs: number | null };

/** What the store needs of a clock. */
export interface LiveClock {
  after(delayMs: number, callback: () => void): () => void;
}

export interface LiveStoreOptions {
  readonly source: LiveSource;
  readonly clock: LiveClock;
  /** A failure that would come again, whenever one tries. */
  readonly isFinal: (cause: unknown) => boolean;
}

const retryMsMin = 1000;
const retryMsMax = 30_000;
/** Views come every second; without one for so long the stream is given up. */
const quietMsMax = 10_000;

export class LiveStore {
  readonly #options: LiveStoreOptions;
  readonly #latest = signal<LiveView | null>(null);
  readonly #status = signal<LiveStatus>({ kind: "idle" });
  readonly #history = new LiveHistory();
  readonly #log = new HappeningLog();
  #watchers = 0;
  #isVisible = true;
  #failures = 0;
  #connection: AbortController | null = null;
  /** Of the quiet stream while there is a connection, of the next try otherwise. */
  #cancelTimer: (() => void) | null = null;

  constructor(options: LiveStoreOptions) {
    this.#options = options;
  }

  /** The last view; kept when the stream breaks. `history` and `happenings` change with it. */
  get latest(): ReadonlySignal<LiveView | null> {
    return this.#latest;
  }

  get status(): ReadonlySignal<LiveStatus> {
    return this.#status;
  }

  get history(): LiveHistory {
    return this.#history;
  }

  get happenings(): HappeningLog {
    return this.#log;
  }

  /** Keeps the stream open until the returned function is called. */
  watch(): () => void {
    this.#watchers++;
    this.#follow();
    let isWatching = true;
    return () => {
      if (!isWatching) return;
      isWatching = false;
      this.#watchers--;
      this.#follow();
    };
  }

  /** A hidden page asks for nothing. */
  setVisible(isVisible: boolean): void {
    this.#isVisible = isVisible;
    this.#follow();
  }

  /** Tries at once, as after a new key. Nothing while the stream is open or nobody watches. */
  retryNow(): void {
    if (this.#status.peek().kind !== "broken") return;
    this.#failures = 0;
    this.#clearTimer();
    this.#open();
  }

  /** Throws when what the store holds does not fit together. */
  checkIntegrity(): void {
    const status = this.#status.peek();
    const { kind } = status;
    const isOpen = this.#connection !== null;
    if (isOpen !== (kind === "live" || kind === "connecting")) {
      throw new Error("the status says whether there is a stream");
    }
    if ((kind === "idle") !== !this.#isWanted) throw new Error("idle when nobody watches");
    const isAtRest = kind === "idle" || (status.kind === "broken" && status.retryMs === null);
    if ((this.#cancelTimer === null) !== isAtRest) throw new Error("a timer runs unless at rest");
    this.#history.checkIntegrity();
    this.#log.checkIntegrity();
  }

  get #isWanted(): boolean {
    return this.#watchers > 0 && this.#isVisible;
  }

  #follow(): void {
    if (!this.#isWanted) {
      this.#close();
      this.#status.value = { kind: "idle" };
      return;
    }
    const status = this.#status.peek();
    const isRefused = status.kind === "broken" && status.retryMs === null;
    if (this.#connection === null && this.#cancelTimer === null && !isRefused) this.#open();
  }

  #open(): void {
    const connection = new AbortController();
    this.#connection = connection;
    this.#status.value = { kind: "connecting" };
    this.#expectData(connection);
    const take = (data: string): void => {
      if (this.#connection === connection) this.#take(data, connection);
    };
    this.#options.source(connection.signal, take).then(
      () => this.#broke(connection, new Error("The server ended the stream.")),
      (error: unknown) => this.#broke(connection, error),
    );
  }

  #take(data: string, connection: AbortController): void {
    const view = decodeLiveView(data);
    if (view === null) {
      this.#broke(connection, new Error("The server sent something else than a live view."));
      return;
    }
    this.#failures = 0;
    this.#expectData(connection);
    this.#history.add(view);
    this.#log.add(view);
    batch(() => {
      this.#latest.value = view;
      if (this.#status.peek().kind !== "live") this.#status.value = { kind: "live" };
    });
  }

  #expectData(connection: AbortController): void {
    this.#clearTimer();
    this.#cancelTimer = this.#options.clock.after(quietMsMax, () => {
      this.#broke(connection, new Error("The server has said nothing for ten seconds."));
    });
  }

  #broke(connection: AbortController, cause: unknown): void {
    if (this.#connection !== connection) return;
    this.#close();
    if (this.#options.isFinal(cause)) {
      this.#status.value = { kind: "broken", cause, retryMs: null };
      return;
    }
    const retryMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(this.#failures, 10));
    this.#failures++;
    this.#status.value = { kind: "broken", cause, retryMs };
    this.#cancelTimer = this.#options.clock.after(retryMs, () => {
      this.#cancelTimer = null;
      this.#follow();
    });
  }

  #close(): void {
    this.#clearTimer();
    const connection = this.#connection;
    this.#connection = null;
    connection?.abort();
  }

  #clearTimer(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }
}
