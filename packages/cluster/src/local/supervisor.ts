// Worker processes on this machine: started, watched, started again when they die, and gone when
// their parent goes. As a directory it names those that listen. A dead worker stays named: it comes
// back at its address, or names a new one.

import { assert, LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import type { WorkerHealth } from "@loci/router";
import { parseWorkerAddress } from "../address/worker-address.ts";
import type { WorkerAddress } from "../address/worker-address.ts";
import type { DirectoryListener, WorkerDirectory } from "../directory/worker-directory.ts";
import type { WorkerWord } from "./orders.ts";
import { RestartPace } from "./restart-pace.ts";
import type { RestartPaceOptions } from "./restart-pace.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface SupervisedWorker {
  readonly id: string;
  /** Given to the program; plain JSON. */
  readonly settings: unknown;
}

/** `failing`: it dies again and again; it is still started, but seldom. */
export type ProcessState = "starting" | "ready" | "restarting" | "failing" | "stopped";

export interface SupervisorOptions {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workers: readonly SupervisedWorker[];
  /** The cluster's key in plain; null where workers need none. */
  readonly key: string | null;
  readonly clock: Clock;
  /** A process that is not ready after so long is started anew; default 10 minutes. */
  readonly readyMsMax?: number;
  /** A worker that was given up for dead is killed after so long; default 30 s. */
  readonly deadMsMax?: number;
  readonly pace?: Partial<RestartPaceOptions>;
  readonly onState?: (workerId: string, state: ProcessState, detail: string) => void;
  /** Lines that a worker writes. */
  readonly onLine?: (workerId: string, line: string) => void;
}

interface Seat {
  readonly worker: SupervisedWorker;
  readonly pace: RestartPace;
  state: ProcessState;
  process: WorkerProcess | null;
  address: WorkerAddress | null;
  /** It was ready once: what it says now of its start is an accident. */
  wasReady: boolean;
  restarts: number;
  cancelTimer: () => void;
  cancelKill: () => void;
}

/** Time for the last words after the grace of running answers. */
const killAfterMs = 2000;

export class Supervisor implements WorkerDirectory {
  /** Resolves when every worker was ready once; rejects when one says that it cannot be. */
  readonly started: Promise<void>;
  readonly #started = Promise.withResolvers<void>();
  readonly #options: SupervisorOptions;
  readonly #seats: readonly Seat[];
  #listener: DirectoryListener | null = null;
  #stopping = false;

  /** Starts the processes. */
  constructor(options: SupervisorOptions) {
    assert(options.workers.length >= 1, "there is somebody to supervise");
    this.#options = options;
    this.started = this.#started.promise;
    // Who does not wait for the start hears of it through states.
    this.started.catch(() => undefined);
    this.#seats = options.workers.map((worker) => ({
      worker,
      pace: new RestartPace(options.pace),
      state: "starting",
      process: null,
      address: null,
      wasReady: false,
      restarts: 0,
      cancelTimer: () => undefined,
      cancelKill: () => undefined,
    }));
    for (const seat of this.#seats) this.#start(seat);
  }

  watch(listener: DirectoryListener): () => void {
    assert(this.#listener === null, "one listener at a time");
    this.#listener = listener;
    for (const { address } of this.#seats) if (address !== null) listener.onJoin(address);
    return () => {
      this.#listener = null;
    };
  }

  get states(): readonly {
    readonly id: string;
    readonly state: ProcessState;
    readonly pid: number | null;
    readonly restarts: number;
  }[] {
    return this.#seats.map(({ worker, state, process, restarts }) => {
      return { id: worker.id, state, pid: process?.pid ?? null, restarts };
    });
  }

  /** What the router thinks of a worker: one that does not come back to life is killed. */
  noteHealth(workerId: string, health: WorkerHealth): void {
    const seat = this.#seats.find(({ worker }) => worker.id === workerId);
    if (seat === undefined) return;
    seat.cancelKill();
    if (health !== "dead") return;
    const { clock, deadMsMax = 30_000 } = this.#options;
    const { process } = seat;
    seat.cancelKill = clock.after(deadMsMax, () => process?.kill());
  }

  /** Lets the workers finish for `graceMs`, then ends them. Resolves when all are gone. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    this.#started.reject(new LociError("cancelled", "The workers were stopped."));
    await Promise.all(this.#seats.map((seat) => this.#stopSeat(seat, graceMs)));
  }

  async #stopSeat(seat: Seat, graceMs: number): Promise<void> {
    seat.cancelTimer();
    seat.cancelKill();
    const { process } = seat;
    if (process !== null) {
      process.askToStop(graceMs);
      const cancel = this.#options.clock.after(graceMs + killAfterMs, () => process.kill());
      await process.ended;
      cancel();
    }
    this.#forgetAddress(seat);
    this.#enter(seat, "stopped", "");
  }

  #start(seat: Seat): void {
    const { command, environment, key, clock, readyMsMax = 600_000, onLine } = this.#options;
    const { id: workerId, settings } = seat.worker;
    const process = new WorkerProcess({
      command,
      environment,
      order: { workerId, key, settings },
      onWord: (word) => this.#heard(seat, process, word),
      onLine: (line) => onLine?.(workerId, line),
      onEnd: (reason) => this.#ended(seat, process, reason),
    });
    seat.process = process;
    seat.cancelTimer = clock.after(readyMsMax, () => process.kill());
  }

  #heard(seat: Seat, process: WorkerProcess, word: WorkerWord): void {
    if (seat.process !== process) return;
    if (word.kind === "failed") {
      // Before it ever ran it is a matter of settings: starting it again would not help.
      if (!seat.wasReady) this.#started.reject(word.error);
      this.#options.onLine?.(seat.worker.id, word.error.message);
      return;
    }
    const address = addressOf(word.url);
    if (address === null) {
      // Not the program that was meant; its end is told like any other.
      process.kill();
      return;
    }
    seat.cancelTimer();
    seat.wasReady = true;
    if (seat.address?.url !== address.url) {
      this.#forgetAddress(seat);
      seat.address = address;
      this.#listener?.onJoin(address);
    }
    this.#enter(seat, "ready", address.url);
    if (this.#seats.every(({ wasReady }) => wasReady)) this.#started.resolve();
  }

  #ended(seat: Seat, process: WorkerProcess, reason: string): void {
    if (seat.process !== process) return;
    seat.cancelTimer();
    seat.cancelKill();
    seat.process = null;
    if (this.#stopping) return;
    const { clock } = this.#options;
    const delayMs = seat.pace.died(clock.nowMs());
    const isLoop = seat.pace.isCrashLoop(clock.nowMs());
    if (isLoop && !seat.wasReady) {
      this.#started.reject(new LociError("internal", `A worker does not start: ${reason}.`));
    }
    this.#enter(seat, isLoop ? "failing" : "restarting", reason);
    seat.cancelTimer = clock.after(delayMs, () => {
      seat.restarts++;
      this.#start(seat);
    });
  }

  #forgetAddress(seat: Seat): void {
    if (seat.address === null) return;
    this.#listener?.onLeave(seat.address.url);
    seat.address = null;
  }

  #enter(seat: Seat, state: ProcessState, detail: string): void {
    seat.state = state;
    this.#options.onState?.(seat.worker.id, state, detail);
  }
}

function addressOf(url: string): WorkerAddress | null {
  try {
    return parseWorkerAddress(url);
  } catch (error) {
    if (error instanceof LociError) return null;
    throw error;
  }
}
