// What the engine says of its work to whoever sends it more: a router prices requests with these
// figures (see core's worker load). One pass over those who run and wait.

import { defined } from "@loci/core";
import type { LatencyModel, WorkerLoad } from "@loci/core";
import type { PeakForecast } from "./admission/peak-forecast.ts";
import type { PrefixIndex } from "./kv/prefix-index.ts";
import { missingTokens } from "./request-lists.ts";
import type { EngineRequest } from "./request.ts";
import type { Scheduler } from "./scheduler.ts";

/** Answers in the running mean of their lengths. */
const answersMax = 64;

export class LoadMeter {
  readonly #index: PrefixIndex;
  readonly #scheduler: Scheduler;
  readonly #latency: LatencyModel;
  readonly #peak: PeakForecast;
  #answers = 0;
  #answerTokensMean = 0;

  constructor(
    index: PrefixIndex,
    {
      scheduler,
      latency,
      peak,
    }: {
      readonly scheduler: Scheduler;
      readonly latency: LatencyModel;
      readonly peak: PeakForecast;
    },
  ) {
    this.#index = index;
    this.#scheduler = scheduler;
    this.#latency = latency;
    this.#peak = peak;
  }

  /** An answer ended by itself or at its limit. */
  answered(tokens: number): void {
    this.#answers = Math.min(answersMax, this.#answers + 1);
    this.#answerTokensMean += (tokens - this.#answerTokensMean) / this.#answers;
  }

  get load(): WorkerLoad {
    const { waiting, running } = this.#scheduler;
    const { blockCount, freeCount, cachedCount, tiers } = this.#index;
    return {
      requestsRunning: running.length,
      requestsWaiting: waiting.length,
      ...this.#tokens(),
      kvBlocksTotal: blockCount,
      // Nobody uses cached blocks either.
      kvBlocksFree: freeCount + cachedCount,
      kvBlocksCached: cachedCount,
      kvBlocksPeak: this.#peakBlocks(),
      evictionSecondsPerBlock: freeCount > 0 ? 0 : tiers.device.evictionSeconds(this.#index.nowMs),
      latency: this.#latency.observations === 0 ? null : this.#latency.coefficients,
      restoreSecondsPerBlock: Object.fromEntries(
        tiers.tiers.map(({ name, restoreRate }) => [name, restoreRate.secondsPerBlock]),
      ),
      answerTokensMean: this.#answers === 0 ? null : this.#answerTokensMean,
    };
  }

  #tokens(): Pick<WorkerLoad, "prefillTokensPending" | "contextTokens" | "decodeTokensExpected"> {
    const { waiting, running } = this.#scheduler;
    let [prefillTokensPending, contextTokens, decodeTokensExpected] = [0, 0, 0];
    for (const request of [...running, ...waiting]) {
      const missing = missingTokens(request);
      const decodes = request.state === "running" && missing <= 1;
      if (!decodes) prefillTokensPending += missing;
      contextTokens += request.frontier - (request.blocks?.gapTokens ?? 0);
      decodeTokensExpected += request.forecast.expectedRemaining(request.generated);
    }
    return { prefillTokensPending, contextTokens, decodeTokensExpected };
  }

  /** As if all who wait started now: what those who run hold, and what all take more at the peak. */
  #peakBlocks(): number {
    const { waiting, running } = this.#scheduler;
    const { blockCount, freeCount, cachedCount } = this.#index;
    this.#peak.clear();
    for (const request of running) {
      const blocks = defined(request.blocks);
      const [blocksHeld, blocksOwned] = [blocks.blockCount, this.#index.ownedCount(blocks)];
      this.#add(request, { blocksHeld, blocksOwned, blocksNeeded: 0 });
    }
    for (const request of waiting) {
      const blocksHeld = this.#index.blocksFor(request.tokensKnown + 1);
      // What is cached is mostly shared with those who run, and with each other.
      const cached = Math.floor(
        (request.tokensKnown - request.tokensMissing) / this.#index.blockTokens,
      );
      const blocksNeeded = Math.max(0, blocksHeld - cached);
      this.#add(request, { blocksHeld, blocksOwned: blocksNeeded, blocksNeeded });
    }
    return blockCount - freeCount - cachedCount + this.#peak.peakBlocks(0);
  }

  #add(
    { forecast, generated, tokensKnown }: EngineRequest,
    blocks: {
      readonly blocksHeld: number;
      readonly blocksOwned: number;
      readonly blocksNeeded: number;
    },
  ): void {
    this.#peak.add({ forecast, generated, tokensKnown, ...blocks });
  }
}
