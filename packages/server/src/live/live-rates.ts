// How fast it goes now: what totals grew by over the last few looks.

import type { LiveRates, ServiceSnapshot } from "@loci/core";

/** Looks that rates are taken over: about so many seconds. */
const looksMax = 5;

interface Totals {
  readonly atMs: number;
  readonly generated: number;
  readonly prompt: number;
  readonly cached: number;
  readonly computed: number;
}

export class RateWindow {
  /** Oldest first, at most `looksMax` before the newest. */
  #looks: Totals[] = [];

  /** The rates as of this look. */
  next(snapshot: ServiceSnapshot, nowMs: number): LiveRates {
    const now: Totals = {
      atMs: nowMs,
      generated: snapshot.generatedTokens,
      prompt: snapshot.promptTokens,
      cached: snapshot.cachedTokens,
      computed: snapshot.computedPromptTokens,
    };
    this.#looks = [...this.#looks, now].slice(-looksMax - 1);
    const [then = now] = this.#looks;
    const seconds = (now.atMs - then.atMs) / 1000;
    // A worker that went away takes its totals with it.
    const grown = (part: keyof Totals): number => Math.max(0, now[part] - then[part]);
    const rate = (part: keyof Totals): number => (seconds > 0 ? grown(part) / seconds : 0);
    const prompt = grown("prompt");
    return {
      generatedPerSecond: rate("generated"),
      promptPerSecond: rate("computed"),
      cachedShare: prompt === 0 ? null : Math.min(1, grown("cached") / prompt),
    };
  }

  /** What was long ago says nothing of now. */
  clear(): void {
    this.#looks = [];
  }
}
