// Does a router grow with time? Requests, conversations, blocks and reports come and go under a time
// of its own, as fast as it can take them; after each part of the time memory is collected and
// counted. What it has at its bounds it keeps, so the first part is not counted.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, blockNames, defined } from "@loci/core";
import { blockTokens, LoadedRouter, tenant } from "./router-load.ts";

export interface ChurnPlan {
  readonly workers: number;
  readonly requestsPerSecond: number;
  readonly windows: number;
  /** Simulated time of one. */
  readonly windowSeconds: number;
  readonly warmUpSeconds: number;
}

export type ChurnResult = {
  readonly requests: number;
  readonly simulatedHours: number;
  /** Heap and external memory after each window. */
  readonly megabytes: readonly number[];
  readonly mebibytesPerHour: number;
};

/** Blocks that one worker holds, so that all of them fill the directory. */
const heldOfWorker = 65_536;
const sessions = 200_000;

export function churnMemory(plan: ChurnPlan, progress: (text: string) => void): ChurnResult {
  const churn = new Churn(plan);
  churn.run(plan.warmUpSeconds);
  const megabytes: number[] = [];
  for (let window = 0; window < plan.windows; window++) {
    churn.run(plan.windowSeconds);
    megabytes.push(bytesAfterCollection() / 1e6);
    progress(`churn ${window + 1}/${plan.windows}: ${megabytes.at(-1)?.toFixed(1)} MB`);
  }
  churn.loaded.router.checkIntegrity();
  const hoursOfWindow = plan.windowSeconds / 3600;
  return {
    requests: churn.requests,
    simulatedHours: plan.windows * hoursOfWindow,
    megabytes,
    mebibytesPerHour: (slope(megabytes) * 1e6) / (1 << 20) / hoursOfWindow,
  };
}

class Churn {
  readonly loaded: LoadedRouter;
  requests = 0;
  readonly #plan: ChurnPlan;
  readonly #live: string[] = [];
  /** By worker: names of prompts in the order in which they came there. */
  readonly #held: Float64Array[][];
  readonly #heldBlocks: number[];

  constructor(plan: ChurnPlan) {
    this.#plan = plan;
    const { workers } = plan;
    const shape = { policy: "seconds", workers, blocks: 1, promptTokens: [1000] } as const;
    this.loaded = new LoadedRouter({ ...shape, forecasts: true });
    this.#held = Array.from({ length: workers }, () => []);
    this.#heldBlocks = Array.from({ length: workers }, () => 0);
  }

  run(seconds: number): void {
    const { loaded } = this;
    const endMs = loaded.nowMs + 1000 * seconds;
    let reportMs = loaded.nowMs;
    while (loaded.nowMs < endMs) {
      if (loaded.nowMs >= reportMs) {
        loaded.report();
        reportMs += 500;
      }
      this.#request();
      loaded.nowMs += 1000 / this.#plan.requestsPerSecond;
    }
  }

  #request(): void {
    const { router, prompts, random, nowMs } = this.loaded;
    const prompt = prompts.prompt(random.integer(100, 2000), random.next() < 0.5 ? 0.5 : 0);
    const id = `request-${this.requests++}`;
    const sessionKey = `session-${random.integer(1, sessions)}`;
    const request = { id, tenant, promptTokens: prompt, maxTokens: 256, sessionKey };
    const placed = router.place(request, nowMs);
    router.started(id, 0, nowMs);
    this.#store(Number(placed.workerId.split("-")[1]), prompt);
    this.#live.push(id);
    if (this.#live.length <= 16 * this.#plan.workers) return;
    const ending = defined(this.#live.shift());
    router.tokens(ending, 20, nowMs);
    if (random.next() < 0.02) this.#fail(ending);
    else this.#finish(ending);
  }

  #finish(id: string): void {
    const { router, random, nowMs } = this.loaded;
    const completionTokens = random.integer(1, 250);
    router.finished(id, { completionTokens, cachedTokens: null, endedByItself: true }, nowMs);
  }

  /** Its connection breaks; where it may go on elsewhere it does, and ends there. */
  #fail(id: string): void {
    const { router, nowMs } = this.loaded;
    const next = router.failed(id, "refused", new Int32Array(20), nowMs);
    if (next.kind === "give_up") return;
    this.#finish(id);
  }

  /** The worker stores the prompt, and gives up its oldest ones for it. */
  #store(worker: number, prompt: Int32Array): void {
    const held = defined(this.#held[worker]);
    const names = blockNames(tenant, prompt, blockTokens);
    held.push(names);
    let blocks = defined(this.#heldBlocks[worker]) + names.length;
    const removed: Float64Array[] = [];
    while (blocks > heldOfWorker) {
      const oldest = defined(held.shift());
      removed.push(oldest);
      blocks -= oldest.length;
    }
    this.#heldBlocks[worker] = blocks;
    const gone = Float64Array.from(removed.flatMap((some) => Array.from(some)));
    this.loaded.tell(worker, "device", names, gone);
  }
}

function bytesAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  assert(typeof collect === "function", "memory can be collected on request");
  for (let round = 0; round < 3; round++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Least squares over 0, 1, 2, …. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  let above = 0;
  let below = 0;
  for (const [index, value] of values.entries()) {
    above += (index - middle) * value;
    below += (index - middle) ** 2;
  }
  return above / below;
}
