// What this router has sent to an engine and not yet seen end: the part of its load that is known at
// once and exactly. What others sent shows in the engine's own numbers a moment later.

import { assert } from "@loci/core";
import type { Clock, GenerationRequest } from "@loci/core";
import type { AttemptObserver, AttemptOutcome } from "../answer/engine-answer.ts";
import { ObservedLatency, TokenGaps } from "./observed-latency.ts";

export type LiveParts = Pick<GenerationRequest, "promptTokens" | "maxTokens" | "deliveredTokens">;

interface LiveRequest {
  readonly promptTokens: number;
  readonly maxTokens: number;
  readonly sentAtMs: number;
  readonly runningBefore: number;
  /** Prompt tokens of others that were still to be computed when it was sent. */
  readonly tokensAhead: number;
  cachedTokens: number | null;
  cachedBelieved: number | null;

  tokens: number;
  gaps: TokenGaps | null;
}

/** Gaps are learned from so often at most: thousands of streams tell no more than one. */
const gapEveryMs = 50;
/** Weight of the newest in running means. */
const newest = 1 / 16;

export class LiveRequests {
  readonly latency: ObservedLatency = new ObservedLatency();
  readonly #clock: Clock;
  readonly #live = new Set<LiveRequest>();
  #answerTokensMean: number | null = null;
  #gapAtMs = Number.NEGATIVE_INFINITY;
  #hitShare = 0;
  #promptTokens = 0;
  #cachedTokens = 0;
  #generatedTokens = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get answerTokensMean(): number | null {
    return this.#answerTokensMean;
  }

  /** Share of recent prompts' tokens that came from the cache. */
  get hitShare(): number {
    return this.#hitShare;
  }

  /** Since the start. */
  get totals(): {
    readonly promptTokens: number;
    readonly cachedTokens: number;
    readonly generatedTokens: number;
  } {
    return {
      promptTokens: this.#promptTokens,
      cachedTokens: this.#cachedTokens,
      generatedTokens: this.#generatedTokens,
    };
  }

  get count(): number {
    return this.#live.size;
  }

  get decoding(): number {
    return this.#sum(({ tokens }) => (tokens > 0 ? 1 : 0));
  }

  /** Prompt tokens sent whose first answer token has not come. */
  get prefillTokens(): number {
    return this.#sum((live) =>
      live.tokens > 0 ? 0 : live.promptTokens - (live.cachedTokens ?? live.cachedBelieved ?? 0),
    );
  }

  /** Tokens held by those who decode. */
  get contextTokens(): number {
    return this.#sum((live) => (live.tokens > 0 ? live.promptTokens + live.tokens : 0));
  }

  /** Tokens of all prompts and answers, as far as they have come. */
  get knownTokens(): number {
    return this.#sum((live) => live.promptTokens + live.tokens);
  }

  /** Tokens still to come, if answers are like recent ones. */
  get decodeTokens(): number {
    const mean = this.#answerTokensMean ?? 128;
    return this.#sum((live) => Math.max(1, Math.min(live.maxTokens, mean) - live.tokens));
  }

  /** A request was sent; the observer follows it. */
  open(request: LiveParts, cachedBelieved: number | null): AttemptObserver {
    const delivered = request.deliveredTokens?.length ?? 0;
    const live: LiveRequest = {
      promptTokens: request.promptTokens.length + delivered,
      maxTokens: Math.max(1, request.maxTokens - delivered),
      sentAtMs: this.#clock.nowMs(),
      runningBefore: this.decoding,
      tokensAhead: this.prefillTokens,
      cachedTokens: null,
      cachedBelieved,

      tokens: 0,
      gaps: null,
    };
    this.#live.add(live);
    return {
      started: (cachedTokens) => {
        live.cachedTokens = cachedTokens;
      },
      tokens: (count) => this.#onTokens(live, count),
      ended: (outcome) => this.#onEnd(live, outcome),
    };
  }

  checkIntegrity(): void {
    assert(this.prefillTokens >= 0 && this.decodeTokens >= 0, "what is left is not negative");
    this.latency.checkIntegrity();
  }

  #onTokens(live: LiveRequest, count: number): void {
    const nowMs = this.#clock.nowMs();
    const isFirst = live.tokens === 0;
    live.tokens += count;
    this.#generatedTokens += count;
    if (isFirst) {
      live.gaps = new TokenGaps(nowMs);
      const cachedTokens = live.cachedTokens ?? live.cachedBelieved;
      const seconds = (nowMs - live.sentAtMs) / 1000;
      const { promptTokens, runningBefore: running, tokensAhead } = live;
      if (cachedTokens !== null) {
        this.latency.firstToken({ cachedTokens, promptTokens, seconds, running, tokensAhead });
      }
      return;
    }
    const seconds = live.gaps?.push(count, nowMs) ?? null;
    if (seconds === null || nowMs - this.#gapAtMs < gapEveryMs) return;
    this.#gapAtMs = nowMs;
    this.latency.gap(seconds, this.decoding);
  }

  #onEnd(live: LiveRequest, outcome: AttemptOutcome): void {
    const { completionTokens, prefill, endedByItself } = outcome;
    this.#live.delete(live);
    const cached = outcome.cachedTokens ?? live.cachedTokens;
    if (prefill !== null) this.latency.prefill(prefill, cached ?? 0);
    this.#promptTokens += live.promptTokens;
    this.#cachedTokens += cached ?? 0;
    if (cached !== null && live.promptTokens > 0) {
      this.#hitShare += newest * (cached / live.promptTokens - this.#hitShare);
    }
    if (!endedByItself) return;
    const mean = this.#answerTokensMean ?? completionTokens;
    this.#answerTokensMean = mean + newest * (completionTokens - mean);
  }

  #sum(of: (live: LiveRequest) => number): number {
    let total = 0;
    for (const live of this.#live) total += of(live);
    return total;
  }
}
