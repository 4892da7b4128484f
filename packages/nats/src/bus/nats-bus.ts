// A connection to NATS that is never waited for: while there is none, what is published is dropped
// and the caller told, and it comes back by itself. Nothing here ever fails the program.

import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  StorageType,
} from "@nats-io/jetstream";
import type { JetStreamManager } from "@nats-io/jetstream";
import { createInbox, nanos } from "@nats-io/nats-core";
import type { NatsConnection, Subscription } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";

import { sleep, uniformAt } from "@loci/core";
import type { Clock } from "@loci/core";

import type { AskRules, Bus, MessageHandler } from "./bus.ts";
import { parseServerAddress } from "./server-address.ts";

export interface NatsBusOptions {
  /** See `parseServerAddress`. */
  readonly url: string;
  /** Shown by the server's monitoring. */
  readonly name: string;
  readonly clock: Clock;
  /** Of the waits between attempts to connect. */
  readonly seed: number;
  /** Told when something does not work that an operator can mend; not repeated while it lasts. */
  readonly onProblem?: (problem: string) => void;
}

/** The stream that keeps what was said, for those who come late. */
export interface StreamRules {
  readonly name: string;
  readonly subjects: readonly string[];
}

const reconnectMsMin = 200;
const reconnectMsMax = 1000;
/** A server that answers no ping for two of these is left. */
const pingMs = 2000;
const connectMsMax = 5000;
const apiMsMax = 2000;
const flushMsMax = 2000;
/** Bytes published that no server has confirmed to have read. */
const unsentBytesMax = 32 * 1024 * 1024;
const flushEveryBytes = 64 * 1024;

/** What the stream keeps at most; older messages go first. */
const keepMs = 3_600_000;
const keepBytes = 256 * 1024 * 1024;
const keepPerSubject = 4096;
const replayBytesMax = 64 * 1024 * 1024;
/** A reader of the stream that was forgotten ends by itself. */
const readerIdleMs = 30_000;

interface Wish {
  readonly subject: string;
  readonly handler: MessageHandler;
  subscription: Subscription | null;
}

export class NatsBus implements Bus {
  readonly #options: NatsBusOptions;
  readonly #wishes = new Set<Wish>();
  readonly #listeners = new Set<(isUp: boolean) => void>();
  #connection: NatsConnection | null = null;
  #isUp = false;
  #isClosed = false;
  #unsentBytes = 0;
  #bytesSinceFlush = 0;
  #attempts = 0;
  #lastProblem = "";

  /**
   * Starts to connect.
   * @throws LociError config_invalid for an address that is none
   */
  constructor(options: NatsBusOptions) {
    this.#options = options;
    parseServerAddress(options.url);
    void this.#keepConnected();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  publish(subject: string, bytes: Uint8Array): boolean {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return false;
    if (this.#unsentBytes + bytes.length > unsentBytesMax) return false;
    try {
      connection.publish(subject, bytes);
    } catch (error) {
      // It closed a moment ago, or the server takes no messages of this size.
      this.#tellProblem(error);
      return false;
    }
    this.#unsentBytes += bytes.length;
    this.#bytesSinceFlush += bytes.length;
    if (this.#bytesSinceFlush >= flushEveryBytes) void this.flush();
    return true;
  }

  async flush(): Promise<void> {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopTimer = this.#options.clock.after(flushMsMax, resolve);
    void this.#confirm(connection).then(resolve);
    await promise;
    stopTimer();
  }

  subscribe(subject: string, handler: MessageHandler): () => void {
    const wish: Wish = { subject, handler, subscription: null };
    this.#wishes.add(wish);
    this.#fulfil(wish);
    return () => {
      this.#wishes.delete(wish);
      wish.subscription?.unsubscribe();
    };
  }

  async ask(subject: string, bytes: Uint8Array, rules: AskRules): Promise<void> {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopTimer = this.#options.clock.after(rules.timeoutMs, resolve);
    try {
      const inbox = createInbox();
      const subscription = connection.subscribe(inbox, {
        callback: (error, message) => {
          // A server that knows nobody who listens says so in an empty message with a status.
          const isRefusal = error !== null || (message.headers?.code ?? 0) !== 0;
          if (isRefusal || rules.isEnough(message.data)) resolve();
        },
      });
      connection.publish(subject, bytes, { reply: inbox });
      await promise;
      subscription.unsubscribe();
    } catch (error) {
      // It was closed a moment ago.
      this.#tellProblem(error);
    }
    stopTimer();
  }

  async replay(stream: string, subject: string): Promise<readonly Uint8Array[] | null> {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return null;
    try {
      return await readStream(connection, stream, subject);
    } catch (error) {
      if (!isStreamMissing(error)) this.#tellProblem(error);
      return null;
    }
  }

  /** Makes the stream where it does not exist; without JetStream, readers ask workers instead. */
  async ensureStream(rules: StreamRules): Promise<void> {
    const connection = this.#connection;
    if (connection === null || !this.#isUp) return;
    try {
      const manager = await jetstreamManager(connection, { timeout: apiMsMax });
      // One that an operator made stays as it is.
      if (await hasStream(manager, rules.name)) return;
      await manager.streams.add({
        name: rules.name,
        subjects: [...rules.subjects],
        storage: StorageType.Memory,
        discard: DiscardPolicy.Old,
        max_age: nanos(keepMs),
        max_bytes: keepBytes,
        max_msgs_per_subject: keepPerSubject,
        no_ack: true,
      });
    } catch (error) {
      this.#tellProblem(error);
    }
  }

  listen(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connection?.close();
    this.#setUp(false);
  }

  /** Resolves when the server has read what was published before. */
  async #confirm(connection: NatsConnection): Promise<void> {
    const bytes = this.#unsentBytes;
    this.#bytesSinceFlush = 0;
    try {
      await connection.flush();
    } catch {
      // The connection ended: what was on its way is lost, and its readers will notice.
    }
    this.#unsentBytes = Math.max(0, this.#unsentBytes - bytes);
  }

  /** One connection after the other; the client itself reconnects as long as it can. */
  async #keepConnected(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const connection = await this.#connect();
        this.#connection = connection;
        if (this.#isClosed) await connection.close();
        else await this.#follow(connection);
      } catch (error) {
        this.#tellProblem(error);
      }
      this.#connection = null;
      for (const wish of this.#wishes) wish.subscription = null;
      this.#setUp(false);
      if (!this.#isClosed) await sleep(this.#options.clock, this.#reconnectMs());
    }
  }

  #connect(): Promise<NatsConnection> {
    const address = parseServerAddress(this.#options.url);
    return connect({
      servers: [...address.servers],
      name: this.#options.name,
      ...(address.user !== null && { user: address.user, pass: address.password ?? "" }),
      ...(address.token !== null && { token: address.token }),
      ...(address.isEncrypted && { tls: {} }),
      timeout: connectMsMax,
      pingInterval: pingMs,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: () => this.#reconnectMs(),
      ignoreAuthErrorAbort: true,
    });
  }

  /** Until the connection is closed for good. */
  async #follow(connection: NatsConnection): Promise<void> {
    this.#setUp(true);
    for await (const status of connection.status()) {
      if (status.type === "disconnect" || status.type === "staleConnection") this.#lost();
      if (status.type === "reconnect") this.#setUp(true);
      if (status.type === "error") this.#tellProblem(status.error);
      if (status.type === "close") break;
    }
  }

  #lost(): void {
    if (this.#isUp) this.#tellProblem(new Error("the connection was lost"));
    this.#setUp(false);
  }

  #setUp(isUp: boolean): void {
    if (isUp) {
      this.#unsentBytes = 0;
      this.#bytesSinceFlush = 0;
      this.#lastProblem = "";
    }
    if (isUp === this.#isUp) return;
    this.#isUp = isUp;
    if (isUp) for (const wish of this.#wishes) this.#fulfil(wish);
    for (const listener of this.#listeners) listener(isUp);
  }

  #fulfil(wish: Wish): void {
    const connection = this.#connection;
    if (connection === null || connection.isClosed() || wish.subscription !== null) return;
    wish.subscription = connection.subscribe(wish.subject, {
      callback: (error, message) => {
        if (error !== null) this.#tellProblem(error);
        else wish.handler(message.data, message.reply ?? null);
      },
    });
  }

  #reconnectMs(): number {
    const share = uniformAt(this.#options.seed, this.#attempts++);
    return reconnectMsMin + share * (reconnectMsMax - reconnectMsMin);
  }

  #tellProblem(error: unknown): void {
    const problem = `NATS: ${error instanceof Error ? error.message : "unknown problem"}`;
    if (problem === this.#lastProblem || this.#isClosed) return;
    this.#lastProblem = problem;
    this.#options.onProblem?.(problem);
  }
}

async function hasStream(manager: JetStreamManager, name: string): Promise<boolean> {
  try {
    await manager.streams.info(name);
    return true;
  } catch (error) {
    if (isStreamMissing(error)) return false;
    throw error;
  }
}

function isStreamMissing(error: unknown): boolean {
  const isAnswer = error instanceof JetStreamApiError;
  return isAnswer && error.code === JetStreamApiCodes.StreamNotFound;
}

async function readStream(
  connection: NatsConnection,
  stream: string,
  subject: string,
): Promise<Uint8Array[]> {
  const client = jetstream(connection, { timeout: apiMsMax });
  const manager = await client.jetstreamManager(false);
  const reader = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subject: subject,
    inactive_threshold: nanos(readerIdleMs),
    mem_storage: true,
    num_replicas: 1,
  });
  const found: Uint8Array[] = [];
  let bytes = 0;
  if (reader.num_pending > 0) {
    const consumer = client.consumers.getConsumerFromInfo(reader);
    const count = Math.min(reader.num_pending, keepPerSubject);
    const messages = await consumer.fetch({ max_messages: count, expires: apiMsMax });
    for await (const message of messages) {
      found.push(message.data);
      bytes += message.data.length;
      if (bytes > replayBytesMax) break;
    }
  }
  // Where this fails, it ends by itself once it was idle for long enough.
  void manager.consumers.delete(stream, reader.name).catch(() => undefined);
  return found;
}
