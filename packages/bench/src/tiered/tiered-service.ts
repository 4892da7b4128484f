// The engine and its memories in this process, without HTTP: for measurements that must know in which
// memory a history lies, and for settings that no server offers.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { greedySampling, sleep, type Clock, type ServiceSnapshot } from "@loci/core";
import { LocalService, type EngineOptions, type StartedFacts, type StepFacts } from "@loci/engine";
import { loadModel, type LoadedModel } from "@loci/model";
import { blockKey, openTiers, tenantKey, type Tiers } from "@loci/tiers";

export interface TieredServiceOptions {
  readonly modelPath: string;
  readonly threads: number;
  readonly contextTokens: number;
  readonly poolTokens: number;
  /** 0 = no host memory. */
  readonly hostTokens: number;
  /** Blocks are also kept in a temporary folder. */
  readonly disk: boolean;
  readonly engine: Partial<EngineOptions>;
  readonly bytesPerToken: number;
}

export interface TurnResult {
  readonly firstTokenMs: number;
  readonly totalMs: number;
  readonly cachedTokens: number;
  readonly answer: readonly number[];
}

const settlePollMs = 5;
const settledLooks = 10;
const settleLooksMax = 20_000;
/** Segments are allocated whole: room for a few more than the blocks need. */
const diskBytes = 8 * 1024 ** 3;

export class TieredService implements AsyncDisposable {
  /** In the order of the starts. */
  readonly started: StartedFacts[] = [];
  readonly steps: StepFacts[] = [];
  readonly #model: LoadedModel;
  readonly #tiers: Tiers | null;
  readonly #service: LocalService;
  readonly #folder: string | null;
  readonly #clock: Clock;
  #requests = 0;

  private constructor(parts: Parts, engine: Partial<EngineOptions>) {
    this.#model = parts.model;
    this.#tiers = parts.tiers;
    this.#folder = parts.folder;
    this.#clock = parts.clock;
    const { tiers, model } = parts;
    const hasher = { tenantKey, blockKey };
    const { blockBytes } = model.kvPool;
    this.#service = new LocalService({
      runner: model.runner,
      tokenText: model.codec,
      clock: parts.clock,
      options: engine,
      observer: {
        onStarted: (facts) => this.started.push(facts),
        onStep: (facts) => this.steps.push(facts),
      },
      ...(tiers !== null && { tiers: { mover: tiers.mover, hasher, blockBytes } }),
    });
  }

  static async open(options: TieredServiceOptions, clock: Clock): Promise<TieredService> {
    const model = await loadModel({
      path: options.modelPath,
      clock,
      threads: options.threads,
      contextTokensMax: options.contextTokens,
      kvMemoryBytes: options.poolTokens * options.bytesPerToken,
    });
    const folder = options.disk ? mkdtempSync(join(tmpdir(), "bench-kv-")) : null;
    const hasTiers = folder !== null || options.hostTokens > 0;
    const disk = folder === null ? null : { path: folder, bytesMax: diskBytes };
    const tiers = hasTiers
      ? await openTiers({
          pool: model.kvPool,
          fingerprint: model.fingerprint,
          hostBytes: options.hostTokens * options.bytesPerToken,
          disk: disk === null ? null : { ...disk, fsync: "never", freeBytesMin: null },
          clock,
        })
      : null;
    return new TieredService({ model, tiers, folder, clock }, options.engine);
  }

  snapshot(): ServiceSnapshot {
    return this.#service.snapshot();
  }

  /** One request of token ids, answered greedily with exactly `answerTokens` tokens. */
  async turn(promptTokens: readonly number[], answerTokens: number): Promise<TurnResult> {
    const startMs = this.#clock.nowMs();
    let firstTokenMs = Number.NaN;
    let cachedTokens = 0;
    const answer: number[] = [];
    const request = {
      id: `bench-${this.#requests++}`,
      tenant: "bench",
      promptTokens: Int32Array.from(promptTokens),
      maxTokens: answerTokens,
      minTokens: 0,
      ignoreEos: true,
      stop: [],
      stopTokenIds: [],
      sampling: greedySampling,
    };
    for await (const event of this.#service.generate(request, new AbortController().signal)) {
      if (event.type === "started") cachedTokens = event.cachedTokens;
      if (event.type !== "token") continue;
      if (answer.length === 0) firstTokenMs = this.#clock.nowMs() - startMs;
      answer.push(event.tokenId);
    }
    return { firstTokenMs, totalMs: this.#clock.nowMs() - startMs, cachedTokens, answer };
  }

  /** Resolves when nothing moves between memories any more. */
  async settled(): Promise<void> {
    let still = 0;
    for (let look = 0; look < settleLooksMax && still < settledLooks; look++) {
      still = (this.snapshot().kvMovesUnderWay ?? 0) === 0 ? still + 1 : 0;
      await sleep(this.#clock, settlePollMs);
    }
  }

  /** Tokens brought back so far from the memory named. */
  restoredTokens(tier: "host" | "disk"): number {
    const found = this.snapshot().kvTiers?.find(({ name }) => name === tier);
    return found?.restoredTokens ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service.close({ drain: false });
    await this.#tiers?.close();
    await this.#model.close();
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }
}

interface Parts {
  readonly model: LoadedModel;
  readonly tiers: Tiers | null;
  readonly folder: string | null;
  readonly clock: Clock;
}
