// When a worker that died is started again: at once, then later and later; and whether it dies so
// often that somebody should look.

export interface RestartPaceOptions {
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** Deaths within `windowMs` that make a crash loop. */
  readonly deathsMax: number;
  readonly windowMs: number;
}

export const restartPaceDefaults: RestartPaceOptions = {
  delayMsMin: 100,
  delayMsMax: 15_000,
  deathsMax: 5,
  windowMs: 60_000,
};

export class RestartPace {
  readonly #options: RestartPaceOptions;
  /** Times of the last deaths; at most `deathsMax`. */
  #deathsMs: readonly number[] = [];

  constructor(options: Partial<RestartPaceOptions> = {}) {
    this.#options = { ...restartPaceDefaults, ...options };
  }

  /** The worker died; milliseconds until it is started again. */
  died(nowMs: number): number {
    const { delayMsMin, delayMsMax, deathsMax, windowMs } = this.#options;
    const recent = this.#deathsMs.filter((atMs) => nowMs - atMs < windowMs);
    this.#deathsMs = [...recent, nowMs].slice(-deathsMax);
    // The first time it is an accident.
    return Math.min(delayMsMax, delayMsMin * 4 ** (this.#deathsMs.length - 1));
  }

  isCrashLoop(nowMs: number): boolean {
    const { deathsMax, windowMs } = this.#options;
    return this.#deathsMs.filter((atMs) => nowMs - atMs < windowMs).length >= deathsMax;
  }
}
