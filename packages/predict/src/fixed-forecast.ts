// A forecast that is made once, when the request comes, and tells its maker how the answer ended.

import { assert } from "@loci/core";
import { LengthDistribution } from "./length-distribution.ts";
import type { LengthForecast, LengthOutcome, LengthQuery } from "./length-predictor.ts";

export class FixedForecast implements LengthForecast {
  readonly distribution: LengthDistribution;
  readonly #learn: ((outcome: LengthOutcome) => void) | null;
  #isClosed = false;

  constructor(
    distribution: LengthDistribution,
    learn: ((outcome: LengthOutcome) => void) | null = null,
  ) {
    this.distribution = distribution;
    this.#learn = learn;
  }

  observe(): void {
    // Nothing that comes later is used.
  }

  close(outcome: LengthOutcome): void {
    assert(!this.#isClosed, "a forecast is closed once");
    this.#isClosed = true;
    this.#learn?.(outcome);
  }
}

/** The distribution cut to what the request allows. */
export function allowed(distribution: LengthDistribution, query: LengthQuery): LengthDistribution {
  const { tokensMax, tokensMin } = query;
  return distribution.within(Math.min(tokensMax, Math.max(1, tokensMin)), tokensMax);
}

/**
 * The forecast of a request whose length nobody needs to guess, null for others. It teaches
 * nothing: what ends at its limit by order says nothing of answers that choose their end.
 */
export function certainForecast(query: LengthQuery): LengthForecast | null {
  const isCertain = query.ignoresEnd || query.tokensMin >= query.tokensMax;
  return isCertain ? new FixedForecast(LengthDistribution.point(query.tokensMax)) : null;
}
