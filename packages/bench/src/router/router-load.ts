// Workers and prompts for measuring a router alone: no model and no network behind it, but facts,
// reports and names of blocks as real ones give.

import {
  blockNames,
  defined,
  Random,
  type KvEventBatch,
  type KvTierName,
  type WorkerLoad,
} from "@loci/core";
import { defaultPredictor } from "@loci/predict";
import { Router, type PolicyName, type RouterOptions, type WorkerFacts } from "@loci/router";

export const blockTokens = 16;
export const tenant = "tenant";

const kvBlocksOfWorker = 262_144;

export function workerId(index: number): string {
  return `worker-${index}`;
}

export function workerFacts(index: number): WorkerFacts {
  return {
    id: workerId(index),
    epoch: "1",
    model: "model",
    fingerprint: "weights",
    contextTokensMax: 131_072,
    blockTokens,
    kvBlocksTotal: kvBlocksOfWorker,
    sequencesMax: 64,
    toleratesGaps: true,
    sendsEvents: true,
    continuesAnswers: true,
  };
}

/** A busy worker's report: costs of a mid-sized accelerator, all of them somewhat different. */
function workerLoad(index: number, random: Random): WorkerLoad {
  const slowness = 1 + (index % 5) / 10;
  const requestsRunning = random.integer(0, 16);
  const kvBlocksFree = random.integer(0, 20_000);
  return {
    requestsRunning,
    requestsWaiting: random.integer(0, 3),
    prefillTokensPending: random.integer(0, 20_000),
    contextTokens: requestsRunning * 4000,
    decodeTokensExpected: requestsRunning * 200,
    kvBlocksTotal: kvBlocksOfWorker,
    kvBlocksFree,
    kvBlocksCached: kvBlocksOfWorker - kvBlocksFree,
    kvBlocksPeak: requestsRunning * 270,
    evictionSecondsPerBlock: kvBlocksFree > 0 ? 0 : 0.0005,
    latency: {
      secondsPerStep: 0.01 * slowness,
      secondsPerToken: 0.0001 * slowness,
      secondsPerAttended: 2e-9 * slowness,
      secondsPerSequence: 1e-5,
    },
    restoreSecondsPerBlock: { host: 0.0001, disk: 0.0005 },
    answerTokensMean: 200,
  };
}

/** Prompts in families: a shared beginning, then one's own. Token ids look like a vocabulary's. */
export class PromptSource {
  readonly #random: Random;
  readonly #families: number;
  #count = 0;

  constructor(families: number, random: Random) {
    this.#families = families;
    this.#random = random;
  }

  /** `ownFrom`: share of the prompt that it has in common with its family. */
  prompt(length: number, ownFrom: number): Int32Array {
    const tokens = new Int32Array(length);
    const family = this.#random.integer(1, this.#families);
    const own = ++this.#count + this.#families;
    const shared = Math.floor(length * ownFrom);
    for (let index = 0; index < length; index++) {
      const kind = index < shared ? family : own;
      tokens[index] = Math.imul(index ^ Math.imul(kind, 0x9e3779b1), 0x2545f491) >>> 15;
    }
    return tokens;
  }
}

export interface LoadedRouterOptions {
  readonly policy: PolicyName;
  readonly workers: number;
  readonly blocks: number;
  /** Lengths of the prompts that the workers hold; one is drawn for each. */
  readonly promptTokens: readonly number[];
  /** Answer lengths are forecast for each request, as `serve` does. */
  readonly forecasts: boolean;
}

/** A router whose workers hold so many blocks, and what feeds it. */
export class LoadedRouter {
  readonly router: Router;
  readonly prompts: PromptSource;
  readonly random: Random;
  nowMs = 1000;
  readonly #workers: number;
  readonly #sequences: number[];

  constructor(options: LoadedRouterOptions, bounds: Partial<RouterOptions> = {}) {
    this.random = new Random(1);
    this.#workers = options.workers;
    this.#sequences = Array.from({ length: options.workers }, () => 0);
    const all = { ...bounds, policy: options.policy, workersMax: options.workers };
    const lengths = options.forecasts ? { lengths: defaultPredictor({ seed: 1 }) } : {};
    this.router = new Router(all, { ...lengths, seed: 1 });
    this.prompts = new PromptSource(256, this.random);
    for (let index = 0; index < options.workers; index++) {
      this.router.join(workerFacts(index), this.nowMs);
      this.tell(index, "device", new Float64Array(0));
    }
    this.report();
    this.#fill(options);
  }

  /** All workers report, and time passes. */
  report(): void {
    for (let index = 0; index < this.#workers; index++) {
      this.router.report(workerId(index), workerLoad(index, this.random), this.nowMs);
    }
    this.router.tick(this.nowMs);
    this.router.takeNews();
  }

  /** A worker says that it stored blocks, or gave them up. */
  tell(worker: number, tier: KvTierName, names: Float64Array, removed?: Float64Array): void {
    const sequence = defined(this.#sequences[worker]) + 1;
    this.#sequences[worker] = sequence;
    const stored = { type: "stored", tier, blocks: Array.from(names) } as const;
    const gone = { type: "removed", tier, blocks: Array.from(removed ?? []) } as const;
    const batch: KvEventBatch = { sequence, events: removed ? [gone, stored] : [stored] };
    this.router.events(workerId(worker), batch, this.nowMs);
  }

  #fill({ workers, blocks, promptTokens }: LoadedRouterOptions): void {
    for (let told = 0; told < blocks;) {
      const length = defined(promptTokens[this.random.integer(0, promptTokens.length - 1)]);
      const prompt = this.prompts.prompt(length, [0, 0.5, 0.75][this.random.integer(0, 2)] ?? 0);
      const names = blockNames(tenant, prompt, blockTokens);
      const worker = this.random.integer(0, workers - 1);
      this.tell(worker, "device", names);
      // Some have lower memories, too, and some prompts were at two workers.
      if (worker % 2 === 0) this.tell(worker, "host", names.subarray(0, names.length / 2));
      const other = this.random.integer(0, 4 * workers);
      if (other < workers) this.tell(other, "device", names.subarray(0, names.length / 4));
      told += names.length;
    }
  }
}
