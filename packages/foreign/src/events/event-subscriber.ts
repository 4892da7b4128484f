// Listens to an engine's cache events over ZeroMQ: frames of topic, 8-byte big-endian number, and
// payload. What was missed is asked for at the replay socket; where that cannot be had, everything
// known of the worker's blocks is forgotten, and learning begins again.

import { assert, sleep } from "@loci/core";
import type { Clock } from "@loci/core";
import type { Dealer, Subscriber } from "zeromq";
import { loadEventLibrary } from "./event-library.ts";
import { decodeBatch } from "./engine-events.ts";
import type { EngineEvent } from "./engine-events.ts";
import { EventOrder } from "./event-order.ts";

export interface EventSources {
  /** Where the engine publishes, such as `tcp://10.0.0.3:5557`. */
  readonly endpoint: string;
  /** Where it answers who missed something; null where it does not. */
  readonly replayEndpoint: string | null;
  /** Prefix of the topics to hear; empty: all. */
  readonly topic: string;
}

export interface EventListener {
  events(events: readonly EngineEvent[]): void;
  /** What was told so far does not hold any more. */
  forget(): void;
}

export interface SubscriberCounts {
  readonly batches: number;
  readonly gaps: number;
  readonly replayed: number;
  readonly forgotten: number;
  /** Events that were not understood, or that are of other kinds than a router can name. */
  readonly skipped: number;
}

/** Silence after which a replay is given up. */
const replayTimeoutMs = 2000;
const retryMs = 1000;
/** Batches that wait to be read; what is dropped beyond can be replayed. */
const messagesMax = 10_000;
const endOfReplay = (1n << 64n) - 1n;

/** Endpoints are fixed by the operator; anything but TCP and local sockets is a mistake. */
export function isEventEndpoint(text: string): boolean {
  return /^(?:tcp:\/\/[^\s/]+:\d{1,5}|ipc:\/\/\S+)$/.test(text);
}

export class EventSubscriber {
  readonly #sources: EventSources;
  readonly #listener: EventListener;
  readonly #clock: Clock;
  #socket: Subscriber | null = null;
  readonly #order = new EventOrder();
  #isClosed = false;
  #isStale = false;
  #counts = { batches: 0, gaps: 0, replayed: 0, forgotten: 0, skipped: 0 };

  constructor(sources: EventSources, listener: EventListener, clock: Clock) {
    assert(isEventEndpoint(sources.endpoint), "events come from a ZeroMQ endpoint");
    this.#sources = sources;
    this.#listener = listener;
    this.#clock = clock;
  }

  get counts(): SubscriberCounts {
    return { ...this.#counts };
  }

  /** Reads until closed: first what the engine still has of its past, then what comes. */
  async run(): Promise<void> {
    const socket = await openSubscriber(this.#sources);
    this.#socket = socket;
    if (this.#isClosed) socket.close();
    await this.#replay(null);
    while (!this.#isClosed) {
      const frames = await this.#receive(socket);
      if (frames !== null) await this.#onFrames(frames);
    }
  }

  /** The engine has restarted: what comes next is its first. Nobody is told to forget. */
  restart(): void {
    this.#isStale = true;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.close();
  }

  /** Null when nothing could be read: the socket was closed, or fails for now. */
  async #receive(socket: Subscriber): Promise<readonly Buffer[] | null> {
    try {
      return await socket.receive();
    } catch {
      if (!this.#isClosed) await sleep(this.#clock, retryMs);
      return null;
    }
  }

  async #onFrames(frames: readonly Buffer[]): Promise<void> {
    const number = frames.at(-2);
    const payload = frames.at(-1);
    const sequence = number === undefined ? null : sequenceOf(number);
    if (frames.length !== 3 || sequence === null || payload === undefined) {
      this.#counts.skipped++;
      return;
    }
    this.#takeRestart();
    let verdict = this.#order.live(sequence);
    if (verdict === "restarted") {
      this.#forget();
      verdict = this.#order.live(sequence);
    }
    if (verdict === "skip") return;
    if (verdict === "gap" && !(await this.#fillGap(sequence))) return;
    this.#take(sequence, payload, true);
  }

  /** Gets what comes before `sequence`, or forgets; false when that was had by the replay itself. */
  async #fillGap(sequence: number): Promise<boolean> {
    const hadSome = this.#order.expected > 0;
    this.#counts.gaps++;
    await this.#replay(sequence);
    const verdict = this.#order.live(sequence);
    if (verdict === "gap" && hadSome) this.#forget();
    return verdict !== "skip";
  }

  /** Takes all from the next one on that the engine still has. */
  async #replay(until: number | null): Promise<void> {
    const { replayEndpoint } = this.#sources;
    if (replayEndpoint === null || this.#isClosed) return;
    const socket = await openDealer();
    const giveUp = (): (() => void) => this.#clock.after(replayTimeoutMs, () => socket.close());
    let cancel = giveUp();
    try {
      socket.connect(replayEndpoint);
      const from = Buffer.alloc(8);
      from.writeBigUInt64BE(BigInt(this.#order.expected));
      await socket.send(["", from]);
      for (;;) {
        const frames: readonly Buffer[] = await socket.receive();
        cancel();
        cancel = giveUp();
        const sequence = sequenceOf(frames.at(-2) ?? Buffer.alloc(0));
        if (sequence === null || this.#isClosed) return;
        this.#takeReplayed(sequence, frames.at(-1) ?? Buffer.alloc(0));
        if (until !== null && sequence >= until) return;
      }
    } catch {
      // The engine did not answer in time, or closed: whoever asked goes on without.
    } finally {
      cancel();
      socket.close();
    }
  }

  #takeReplayed(sequence: number, payload: Uint8Array): void {
    if (sequence < this.#order.expected) return;
    // The engine's memory of batches begins later: what was known before is not sure any more.
    if (sequence > this.#order.expected && this.#order.expected > 0) this.#forget();
    this.#counts.replayed++;
    this.#take(sequence, payload, false);
  }

  #take(sequence: number, payload: Uint8Array, isLive: boolean): void {
    this.#order.taken(sequence, isLive);
    this.#counts.batches++;
    const batch = decodeBatch(payload);
    if (batch === null) {
      this.#counts.skipped++;
      return;
    }
    this.#counts.skipped += batch.skipped;
    if (batch.events.length > 0) this.#listener.events(batch.events);
  }

  #takeRestart(): void {
    if (!this.#isStale) return;
    this.#isStale = false;
    this.#order.reset();
  }

  #forget(): void {
    this.#order.reset();
    this.#counts.forgotten++;
    this.#listener.forget();
  }
}

async function openSubscriber(sources: EventSources): Promise<Subscriber> {
  const zeromq = await loadEventLibrary();
  const socket = new zeromq.Subscriber({ receiveHighWaterMark: messagesMax, linger: 0 });
  socket.connect(sources.endpoint);
  socket.subscribe(sources.topic);
  return socket;
}

async function openDealer(): Promise<Dealer> {
  const zeromq = await loadEventLibrary();
  return new zeromq.Dealer({ receiveHighWaterMark: messagesMax, linger: 0 });
}

/** Null for the end of a replay, and for what is no number of a batch. */
function sequenceOf(frame: Buffer): number | null {
  if (frame.length !== 8) return null;
  const value = frame.readBigUInt64BE();
  if (value === endOfReplay || value > BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return Number(value);
}
