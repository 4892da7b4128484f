// One worker thread that renders one template, watched: a rendering that takes too much processor
// time or memory costs its worker and nothing else. The next job gets a fresh one.
import { assert, LociError, type Clock } from "@loci/core";
import {
  MessageChannel,
  receiveMessageOnPort,
  Worker,
  type MessagePort,
} from "node:worker_threads";
import { watchJob, type Overrun } from "./job-watch.ts";
import type { InterpreterLimits } from "./template-interpreter.ts";
import type { TemplateJob, TemplateReply, TemplateWorkerData } from "./template-worker.ts";

export interface TemplateProcessLimits extends InterpreterLimits {
  /** Processor time of a rendering; one that uses more is killed, and the template is at fault. */
  readonly renderCpuMsMax: number;
  /** The same for the start of a worker and the compilation of its template. */
  readonly startCpuMsMax: number;
  /** Of either, by the clock: one that got too little of a processor ends as `unavailable`. */
  readonly wallMsMax: number;
  readonly heapMebibytesMax: number;
}

interface Pending {
  readonly resolve: (text: string) => void;
  readonly reject: (error: LociError) => void;
}

const reasonLengthMax = 300;

/** At most one job at a time; the caller queues. */
export class TemplateProcess {
  readonly #source: string;
  readonly #limits: TemplateProcessLimits;
  readonly #clock: Clock;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  /** Resolves when the template is compiled; rejects when it cannot be. */
  readonly ready: Promise<void>;
  #starting: { readonly resolve: () => void; readonly reject: (error: LociError) => void } | null;
  #pending: Pending | null = null;
  #jobId = 0;
  /** What the thread had used of a processor when it last answered. */
  #cpuMs = 0;
  #stopWatch: () => void;
  #ended = false;

  constructor(source: string, limits: TemplateProcessLimits, clock: Clock) {
    this.#source = source;
    this.#limits = limits;
    this.#clock = clock;
    const channel = new MessageChannel();
    this.#port = channel.port1;
    this.#worker = this.#spawn(channel.port2);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.#starting = { resolve, reject };
    this.#stopWatch = this.#watch(limits.startCpuMsMax, "compiling it");
    this.#port.on("message", (message: TemplateReply) => this.#receive(message));
    this.#worker.on("error", (error: Error & { code?: string }) => {
      const outOfMemory = error.code === "ERR_WORKER_OUT_OF_MEMORY";
      this.#end(templateFailed(outOfMemory ? "it needs too much memory" : "it failed"));
    });
    this.#worker.on("exit", () => this.#end(templateFailed("its interpreter stopped")));
  }

  /** False once it was killed, closed or died: replace it. */
  get isAlive(): boolean {
    return !this.#ended;
  }

  /** Renders; only when `ready` has resolved and no other job runs. */
  render(variables: string): Promise<string> {
    assert(this.#pending === null && this.#starting === null, "one job at a time, when ready");
    assert(!this.#ended, "the worker is alive");
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#pending = { resolve, reject };
    this.#hold(true);
    const job: TemplateJob = {
      id: ++this.#jobId,
      variables,
      unixSeconds: this.#clock.unixSeconds(),
    };
    this.#stopWatch = this.#watch(this.#limits.renderCpuMsMax, "rendering the chat");
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port, not a window
    this.#port.postMessage(job);
    return promise;
  }

  /** Ends the thread; a running job is rejected with `unavailable`. */
  async close(): Promise<void> {
    this.#end(new LociError("unavailable", "The server is shutting down."));
    await this.#worker.terminate();
  }

  checkIntegrity(): void {
    assert(!(this.#starting !== null && this.#pending !== null), "no job before it is ready");
    assert(!this.#ended || this.#pending === null, "an ended worker owes no answer");
  }

  #spawn(port: MessagePort): Worker {
    const data: TemplateWorkerData = { port, source: this.#source, limits: this.#limits };
    return new Worker(new URL("template-worker.ts", import.meta.url), {
      workerData: data,
      transferList: [port],
      // Nothing of this process reaches the template's thread.
      env: {},
      argv: [],
      execArgv: [],
      stdin: false,
      resourceLimits: {
        maxOldGenerationSizeMb: this.#limits.heapMebibytesMax,
        maxYoungGenerationSizeMb: 16,
        stackSizeMb: 4,
      },
    });
  }

  #receive(message: TemplateReply): void {
    if (this.#ended) return;
    this.#stopWatch();
    this.#cpuMs = message.cpuMs;
    if (message.kind === "ready") {
      const starting = this.#starting;
      this.#starting = null;
      this.#hold(false);
      starting?.resolve();
      return;
    }
    if (message.kind === "broken") {
      this.#end(templateFailed(message.reason));
      return;
    }
    assert(message.id === this.#jobId, "answers belong to the job that runs");
    const pending = this.#pending;
    this.#pending = null;
    this.#hold(false);
    if (message.kind === "rendered") pending?.resolve(message.text);
    else pending?.reject(templateFailed(message.reason));
  }

  #watch(cpuMsMax: number, doing: string): () => void {
    const job = { cpuMsMax, wallMsMax: this.#limits.wallMsMax, cpuMsBefore: this.#cpuMs };
    return watchJob(this.#worker, this.#clock, job, (overrun) => this.#overran(overrun, doing));
  }

  #overran(overrun: Overrun, doing: string): void {
    // When this thread was busy, the answer may be waiting unread: then nothing was too slow.
    const waiting = receiveMessageOnPort(this.#port);
    if (waiting !== undefined) this.#receive(waiting.message);
    else this.#end(overrun === "cpu" ? templateFailed(`${doing} takes too long`) : tooBusy());
  }

  #end(error: LociError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#stopWatch();
    const starting = this.#starting;
    const pending = this.#pending;
    this.#starting = null;
    this.#pending = null;
    this.#port.close();
    // The thread ends at once or a little later: either way nobody waits for it.
    void this.#worker.terminate();
    starting?.reject(error);
    pending?.reject(error);
  }

  /** An idle template keeps no process alive; a running one does. */
  #hold(active: boolean): void {
    if (active) {
      this.#worker.ref();
      this.#port.ref();
    } else {
      this.#worker.unref();
      this.#port.unref();
    }
  }
}

function tooBusy(): LociError {
  return new LociError("unavailable", "The server is too busy to render the chat.", {
    remedy: "Try again in a few seconds.",
    retryAfterSeconds: 5,
  });
}

/** template_failed with a template's reason, made harmless: one line, bounded. */
export function templateFailed(reason: string): LociError {
  const line = reason
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .replaceAll(/[\p{Cf}\p{Cs}\p{Co}\p{Cn}]/gu, "")
    .trim();
  const shown = Array.from(line).slice(0, reasonLengthMax).join("");
  return new LociError("template_failed", `The model's chat template failed: ${shown}.`, {
    remedy: "Change the messages to what the template accepts, or use /v1/completions.",
    param: "messages",
  });
}
