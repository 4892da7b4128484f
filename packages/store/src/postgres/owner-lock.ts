// Tells every machine that this store is at work: a connection that holds an advisory lock with the
// store's number. When the process or its machine dies, the database gives the lock away, and the
// others may end what was left open. No clock takes part.

import type { Clock } from "@loci/core";
import { Client } from "pg";
import type { ClientConfig } from "pg";

import { ownerLockClass } from "./postgres-session.ts";

/** The database notices a dead machine after about 10 + 3 × 5 seconds. */
const keepaliveSettings = `SET tcp_keepalives_idle TO 10; SET tcp_keepalives_interval TO 5;
  SET tcp_keepalives_count TO 3; SET idle_session_timeout TO 0`;
const reconnectDelayMs = 1_000;

export class OwnerLock {
  readonly #config: ClientConfig;
  readonly #clock: Clock;
  readonly #owner: number;
  #client: Client | null = null;
  #connecting: Promise<void> | null = null;
  #isClosed = false;
  #cancelReconnect: () => void = () => undefined;

  constructor(config: ClientConfig, owner: number, clock: Clock) {
    this.#config = config;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Resolves while the lock is held; takes it (again) when the connection was lost. */
  async hold(): Promise<void> {
    if (this.#client !== null) return;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    await this.#connecting;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelReconnect();
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = new Client({ ...this.#config, keepAlive: true });
    const lost = (): void => this.#lose(client);
    client.on("error", lost);
    client.on("end", lost);
    try {
      await client.connect();
      await client.query(keepaliveSettings);
      await client.query("SELECT pg_advisory_lock($1, $2)", [ownerLockClass, this.#owner]);
    } catch (error) {
      await client.end();
      throw error;
    }
    this.#client = client;
  }

  #lose(client: Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    if (this.#isClosed) return;
    this.#cancelReconnect = this.#clock.after(reconnectDelayMs, () => {
      this.hold().catch(() => this.#reconnectLater());
    });
  }
}
