// The store's side of the SQLite thread: sends calls, matches replies, and keeps the number of calls
// under way bounded.

import { Worker } from "node:worker_threads";

import { assert, LociError } from "@loci/core";

import type { ProgramInput, ProgramName, ProgramResult, ProgramRunner } from "../program-list.ts";
import { openedId, unpackError } from "./worker-messages.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker-messages.ts";

/** Calls under way; further ones are refused. */
const callsMax = 4_096;

type Settle = (reply: WorkerReply | Error) => void;

export class SqliteRunner implements ProgramRunner {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Settle>();
  readonly #onCheckpoint: () => void;
  #nextId: number = openedId + 1;
  #ended: Error | null = null;

  private constructor(start: WorkerStart, onCheckpoint: () => void) {
    this.#onCheckpoint = onCheckpoint;
    this.#worker = new Worker(new URL("sqlite-worker.ts", import.meta.url), { workerData: start });
    this.#worker.on("message", (reply: WorkerReply) => this.#receive(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(closedStore()));
  }

  /** @throws LociError when the file is damaged, newer, foreign, in use, or cannot be opened */
  static async open(start: WorkerStart, onCheckpoint: () => void = ignore): Promise<SqliteRunner> {
    const runner = new SqliteRunner(start, onCheckpoint);
    await runner.#answer(openedId);
    return runner;
  }

  async run<N extends ProgramName>(name: N, input: ProgramInput<N>): Promise<ProgramResult<N>> {
    const result = await this.#request({ kind: "run", call: { name, input } });
    // The worker ran the program of this name.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return result as ProgramResult<N>;
  }

  async checkStructure(): Promise<void> {
    await this.#request({ kind: "check" });
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = this.#request({ kind: "close" });
    this.#ended = closedStore();
    const exited = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    await closed;
    await exited;
  }

  async #request(message: WithoutId<WorkerRequest>): Promise<unknown> {
    if (this.#ended) throw this.#ended;
    if (this.#waiting.size >= callsMax) throw overloadedStore();
    const id = this.#nextId++;
    const answer = this.#answer(id);
    this.#worker.postMessage({ ...message, id }, []);
    return await answer;
  }

  /** The process may end while nothing is waited for. */
  #answer(id: number): Promise<unknown> {
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (reply) => {
        if (reply instanceof Error) reject(reply);
        else if ("error" in reply) reject(unpackError(reply.error));
        else resolve("result" in reply ? reply.result : null);
      });
    });
  }

  #receive(reply: WorkerReply): void {
    if ("event" in reply) {
      this.#onCheckpoint();
      return;
    }
    const settle = this.#waiting.get(reply.id);
    assert(settle !== undefined, "a reply belongs to a request");
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#worker.unref();
    settle(reply);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const settle of this.#waiting.values()) settle(error);
    this.#waiting.clear();
  }
}

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;

function ignore(): void {
  // Only crash tests want to know.
}

export function closedStore(): LociError {
  return new LociError("storage_unavailable", "The store is closed.");
}

function overloadedStore(): LociError {
  return new LociError("storage_unavailable", "The store has more to do than it can take.", {
    retryAfterSeconds: 1,
  });
}
