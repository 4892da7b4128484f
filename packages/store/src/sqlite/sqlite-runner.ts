// The store's side of the SQLite thread: sends calls, matches replies, and keeps the number of calls
// under way bounded.

import { Worker } from "node:worker_threads";

import { assert, LociError } from "@loci/core";

import { CallGate } from "../call-gate.ts";
import type { ProgramInput, ProgramName, ProgramResult, ProgramRunner } from "../program-list.ts";
import { openedId, unpackError } from "./worker-messages.ts";
import type { WorkerReply, WorkerRequest, WorkerStart } from "./worker-messages.ts";

type Settle = (reply: WorkerReply | Error) => void;

export class SqliteRunner implements ProgramRunner {
  readonly #worker: Worker;
  readonly #gate = new CallGate();
  readonly #waiting = new Map<number, Settle>();
  readonly #onCheckpoint: () => void;
  #nextId: number = openedId + 1;
  /** Why the worker takes no further call. */
  #ended: Error | null = null;
  #closed: Promise<void> | null = null;
  #isClosing = false;

  private constructor(start: WorkerStart, onCheckpoint: () => void) {
    this.#onCheckpoint = onCheckpoint;
    this.#worker = new Worker(new URL("sqlite-worker.ts", import.meta.url), { workerData: start });
    this.#worker.on("message", (reply: WorkerReply) => this.#receive(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(endedWorker()));
  }

  /** @throws LociError when the file is damaged, newer, foreign, in use, or cannot be opened */
  static async open(start: WorkerStart, onCheckpoint: () => void = ignore): Promise<SqliteRunner> {
    const runner = new SqliteRunner(start, onCheckpoint);
    await runner.#answer(openedId);
    return runner;
  }

  async run<N extends ProgramName>(name: N, input: ProgramInput<N>): Promise<ProgramResult<N>> {
    const call = { name, input };
    const result = await this.#gate.pass(() => this.#request({ kind: "run", call }));
    // The worker ran the program of this name.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return result as ProgramResult<N>;
  }

  async checkStructure(): Promise<void> {
    await this.#gate.pass(() => this.#request({ kind: "check" }));
  }

  async close(): Promise<void> {
    this.#closed ??= this.#close();
    await this.#closed;
  }

  async #close(): Promise<void> {
    await this.#gate.close();
    if (this.#ended) return;
    const exited = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
    // From now on the worker keeps the process alive until it has exited.
    this.#isClosing = true;
    await this.#request({ kind: "close" });
    await exited;
  }

  async #request(message: WithoutId<WorkerRequest>): Promise<unknown> {
    if (this.#ended) throw this.#ended;
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
    if (this.#waiting.size === 0 && !this.#isClosing) this.#worker.unref();
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

function endedWorker(): LociError {
  return new LociError("storage_unavailable", "The store's thread has ended.");
}
