// The thread that owns the SQLite file, so that waiting for a disk never stops the server's event
// loop. Calls that arrive while a commit is on its way to disk form the next group: one
// transaction, one wait for the disk, then all of them are answered.

import { parentPort, workerData } from "node:worker_threads";

import { defined, LociError } from "@loci/core";

import { isReader, startProgram } from "../program-list.ts";
import type { ProgramCall } from "../program-list.ts";
import { takeOwner } from "../programs/maintenance.ts";
import { SqliteDatabase } from "./sqlite-database.ts";
import { openedId, packError } from "./worker-messages.ts";
import type { CrashPoint, WorkerReply, WorkerRequest, WorkerStart } from "./worker-messages.ts";

/** Programs in one transaction at most. */
const groupMax = 256;

interface PendingCall {
  readonly id: number;
  readonly call: ProgramCall;
}

type Outcome = { readonly result: unknown } | { readonly error: unknown };

class SqliteWorker {
  readonly #database: SqliteDatabase;
  readonly #crash: WorkerStart["crash"];
  readonly #reply: (reply: WorkerReply) => void;
  readonly #writes: PendingCall[] = [];
  #isScheduled = false;
  #groups = 0;

  constructor(start: WorkerStart, reply: (reply: WorkerReply) => void) {
    this.#database = new SqliteDatabase(start);
    this.#crash = start.crash;
    this.#reply = reply;
    this.#tryTakeOwner();
  }

  /** A full disk can still be read; the first transaction that finds room takes the number. */
  #tryTakeOwner(): void {
    try {
      this.#transaction(() => []);
    } catch (error) {
      const failure = this.#database.failure(error);
      if (!(failure instanceof LociError) || failure.code !== "storage_full") throw failure;
    }
  }

  handle(request: WorkerRequest): void {
    switch (request.kind) {
      case "run":
        if (isReader(request.call.name)) this.#read(request);
        else this.#queueWrite(request);
        break;
      case "check":
        this.#attempt(request.id, () => this.#database.checkStructure());
        break;
      case "close":
        this.#drain();
        this.#attempt(request.id, () => this.#database.close());
        break;
    }
  }

  #queueWrite(request: PendingCall): void {
    this.#writes.push(request);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the messages that have arrived already: they join the group.
    setImmediate(() => this.#drain());
  }

  #drain(): void {
    this.#isScheduled = false;
    while (this.#writes.length > 0) {
      const group = this.#writes.splice(0, groupMax);
      const outcomes = this.#writeGroup(
        group.map(
          ({ call }) =>
            () =>
              this.#start(call),
        ),
      );
      for (const [index, { id }] of group.entries()) {
        this.#send(id, defined(outcomes[index], "each call has an outcome"));
      }
      this.#checkpointIfDue();
    }
  }

  #start(call: ProgramCall): unknown {
    return this.#database.run(startProgram(call, { owner: this.#database.owner }));
  }

  #read({ id, call }: PendingCall): void {
    this.#attempt(id, () => this.#start(call));
  }

  /** All in one transaction; when it cannot be finished, each in one of its own. */
  #writeGroup(actions: readonly (() => unknown)[]): readonly Outcome[] {
    const together = this.#tryTogether(actions);
    if (together !== null) return together;
    return actions.map((action) => {
      try {
        return this.#alone(action);
      } catch (error) {
        return { error: this.#database.failure(error) };
      }
    });
  }

  #alone(action: () => unknown): Outcome {
    const outcomes = this.#transaction(() => [{ result: action() }]);
    return defined(outcomes[0], "one action has one outcome");
  }

  #tryTogether(actions: readonly (() => unknown)[]): readonly Outcome[] | null {
    if (actions.length === 1 || this.#database.hasFailed) return null;
    try {
      return this.#transaction(() => actions.map((action) => this.#undoable(action)));
    } catch (error) {
      this.#database.failure(error);
      return null;
    }
  }

  #transaction(run: () => readonly Outcome[]): readonly Outcome[] {
    if (this.#database.hasFailed) throw failedStore();
    const changesBefore = this.#database.changes();
    const ownerBefore = this.#database.owner;
    this.#database.begin();
    try {
      if (ownerBefore === 0) this.#database.owner = this.#database.run(takeOwner());
      const outcomes = run();
      this.#crashAt("before-commit");
      if (!this.#database.commit(changesBefore)) return outcomes;
      return this.#acknowledge(outcomes);
    } catch (error) {
      this.#database.rollback();
      this.#database.owner = ownerBefore;
      throw error;
    }
  }

  /** What was committed is never run again, so a failure here goes into the outcomes. */
  #acknowledge(outcomes: readonly Outcome[]): readonly Outcome[] {
    this.#crashAt("before-acknowledge");
    this.#groups += 1;
    try {
      this.#database.acknowledge();
      return outcomes;
    } catch (error) {
      const failure = new LociError("storage_unavailable", "The store's file cannot be written.", {
        cause: error,
      });
      return outcomes.map(() => ({ error: failure }));
    }
  }

  /** One program's failure undoes only that program, unless SQLite ended the transaction. */
  #undoable(action: () => unknown): Outcome {
    this.#database.savepoint("SAVEPOINT");
    try {
      const result = action();
      this.#database.savepoint("RELEASE");
      return { result };
    } catch (error) {
      if (!this.#database.isInTransaction) throw error;
      this.#database.savepoint("ROLLBACK TO");
      this.#database.savepoint("RELEASE");
      return { error: this.#database.failure(error) };
    }
  }

  #checkpointIfDue(): void {
    try {
      if (!this.#database.needsCheckpoint) return;
      if (this.#crash?.point === "in-checkpoint") this.#reply({ id: -1, event: "checkpoint" });
      this.#database.checkpoint();
    } catch (error) {
      // The log keeps its pages and the next commit tries again; a failed write is remembered.
      this.#database.failure(error);
    }
  }

  #attempt(id: number, action: () => unknown): void {
    try {
      this.#send(id, { result: action() });
    } catch (error) {
      this.#send(id, { error: this.#database.failure(error) });
    }
  }

  #send(id: number, outcome: Outcome): void {
    if ("error" in outcome) this.#reply({ id, error: packError(outcome.error) });
    else this.#reply({ id, result: outcome.result });
  }

  #crashAt(point: CrashPoint): void {
    if (this.#crash?.point !== point || this.#crash.group !== this.#groups) return;
    process.kill(process.pid, "SIGKILL");
  }
}

function failedStore(): LociError {
  return new LociError("storage_unavailable", "The store stopped after a failed write.", {
    remedy: "See to the disk, then restart the server.",
  });
}

function main(): void {
  const port = defined(parentPort, "this file is a worker");
  const reply = (message: WorkerReply): void => port.postMessage(message);
  try {
    // Written by SqliteRunner, which starts no other worker.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const worker = new SqliteWorker(workerData as WorkerStart, reply);
    port.on("message", (request: WorkerRequest) => {
      worker.handle(request);
      if (request.kind === "close") port.close();
    });
    reply({ id: openedId, result: null });
  } catch (error) {
    reply({ id: openedId, error: packError(error) });
    port.close();
  }
}

main();
