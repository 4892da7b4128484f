// Runs programs on PostgreSQL: a bounded pool of connections, one transaction per program, tried again
// a bounded number of times when two of them got into each other's way.

import { LociError, Random, sleep } from "@loci/core";
import type { Clock } from "@loci/core";
import { Pool } from "pg";
import type { ClientConfig, PoolClient } from "pg";

import { CallGate } from "../call-gate.ts";
import { isReader, startProgram } from "../program-list.ts";
import type {
  ProgramCall,
  ProgramInput,
  ProgramName,
  ProgramResult,
  ProgramRunner,
} from "../program-list.ts";
import { takeOwner } from "../programs/maintenance.ts";
import type { Program } from "../program.ts";
import { OwnerLock } from "./owner-lock.ts";
import {
  isRetryable,
  leavesConnectionUsable,
  postgresError,
  postgresOpenError,
} from "./postgres-errors.ts";
import { migratePostgres } from "./postgres-schema.ts";
import { runTransaction } from "./postgres-session.ts";

const attemptsMax = 8;
/** The n-th retry waits up to 2^n times this. */
const retryDelayMs = 4;
const connectTimeoutMs = 5_000;

export interface PostgresOptions {
  readonly url: string;
  readonly connectionsMax: number;
  readonly statementTimeoutMs: number;
  readonly clock: Clock;
}

export class PostgresRunner implements ProgramRunner {
  readonly #options: PostgresOptions;
  readonly #pool: Pool;
  readonly #gate = new CallGate();
  #ownerLock: OwnerLock | null = null;
  #owner = 0;
  #random = new Random(0);
  #closed: Promise<void> | null = null;

  private constructor(options: PostgresOptions) {
    this.#options = options;
    this.#pool = new Pool({ ...clientConfig(options), max: options.connectionsMax });
    // An idle connection broke: the pool has dropped it already, and opens another when needed.
    this.#pool.on("error", () => undefined);
  }

  /** @throws LociError when it cannot be reached, or its schema is newer */
  static async open(options: PostgresOptions): Promise<PostgresRunner> {
    refuseBadUrl(options.url);
    const runner = new PostgresRunner(options);
    try {
      await runner.#start();
      return runner;
    } catch (error) {
      await runner.close();
      throw postgresOpenError(error);
    }
  }

  async run<N extends ProgramName>(name: N, input: ProgramInput<N>): Promise<ProgramResult<N>> {
    const result = await this.#gate.pass(() => this.#run({ name, input }));
    // The program of this name gave it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return result as ProgramResult<N>;
  }

  /** PostgreSQL checks its pages as it reads them; our own checks read all rows. */
  async checkStructure(): Promise<void> {
    await this.run("countRows", { tenant: "", table: "conversations" });
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#gate.close();
    await this.#pool.end();
    await this.#ownerLock?.close();
  }

  async #run(call: ProgramCall): Promise<unknown> {
    const isOnlyReading = isReader(call.name);
    try {
      if (!isOnlyReading) await this.#ownerLock?.hold();
      return await this.#persist(() => startProgram(call, { owner: this.#owner }), isOnlyReading);
    } catch (error) {
      throw postgresError(error);
    }
  }

  async #start(): Promise<void> {
    const { clock, statementTimeoutMs } = this.#options;
    await this.#withClient((client) =>
      migratePostgres(client, { isReader: false, statementTimeoutMs, owner: 0 }),
    );
    this.#owner = await this.#persist(takeOwner, false);
    this.#random = new Random(this.#owner);
    this.#ownerLock = new OwnerLock(clientConfig(this.#options), this.#owner, clock);
    await this.#ownerLock.hold();
  }

  async #persist<T>(start: () => Program<T>, isOnlyReading: boolean): Promise<T> {
    const { clock, statementTimeoutMs } = this.#options;
    const settings = { isReader: isOnlyReading, statementTimeoutMs, owner: this.#owner };
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#withClient((client) => runTransaction(client, start(), settings));
      } catch (error) {
        if (!isRetryable(error) || attempt >= attemptsMax) throw error;
      }
      await sleep(clock, this.#random.next() * retryDelayMs * 2 ** attempt);
    }
  }

  /** A connection goes back to the pool only when it is certain what it will answer next. */
  async #withClient<T>(use: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let isUsable = false;
    try {
      const result = await use(client);
      isUsable = true;
      return result;
    } catch (error) {
      if (leavesConnectionUsable(error)) isUsable = await isRolledBack(client);
      throw error;
    } finally {
      client.release(!isUsable);
    }
  }
}

async function isRolledBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    // The connection is gone; the error that led here says more.
    return false;
  }
}

function clientConfig({ url, statementTimeoutMs }: PostgresOptions): ClientConfig {
  return {
    connectionString: url,
    application_name: "loci",
    connectionTimeoutMillis: connectTimeoutMs,
    // Should the server not keep its own limit, the connection is given up.
    query_timeout: 2 * statementTimeoutMs,
  };
}

function refuseBadUrl(url: string): void {
  if (URL.canParse(url)) return;
  // The text may hold a password, so the message does not repeat it.
  throw new LociError("config_invalid", "The store's URL cannot be read.", {
    remedy: 'Use "postgres://USER:PASSWORD@HOST:PORT/DATABASE".',
  });
}
