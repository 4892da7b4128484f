// What other routers said that they sent to one worker and its load report does not show yet: without
// it, a burst over several routers sees the same idle worker from each of them. Whoever says so is
// believed for a moment only, and so many times at most.

import { assert } from "@loci/core";

/** Further ones are not counted until the next report. */
const requestsMax = 1024;
/** What no report has confirmed by then is forgotten. */
const believedMs = 2000;

interface Said {
  readonly atMs: number;
  readonly missedTokens: number;
}

export class OthersRequests {
  /** In the order of their times. */
  #said: Said[] = [];
  #pendingTokens = 0;

  get count(): number {
    return this.#said.length;
  }

  /** Tokens of their prompts that are to be computed. */
  get pendingTokens(): number {
    return this.#pendingTokens;
  }

  add(missedTokens: number, nowMs: number): void {
    if (this.#said.length >= requestsMax) return;
    this.#said.push({ atMs: nowMs, missedTokens });
    this.#pendingTokens += missedTokens;
  }

  /** A load report tells of everything that was sent before `atMs`. */
  reported(atMs: number): void {
    if (this.#said.length === 0) return;
    this.#said = this.#said.filter((one) => one.atMs >= atMs);
    this.#pendingTokens = this.#said.reduce((sum, { missedTokens }) => sum + missedTokens, 0);
  }

  /** Whether that changed anything. */
  expire(nowMs: number): boolean {
    const [oldest] = this.#said;
    const isOver = oldest !== undefined && nowMs - oldest.atMs > believedMs;
    if (isOver) this.reported(nowMs - believedMs);
    return isOver;
  }

  checkIntegrity(): void {
    assert(this.#said.length <= requestsMax, "others' requests are bounded");
    const tokens = this.#said.reduce((sum, { missedTokens }) => sum + missedTokens, 0);
    assert(tokens === this.#pendingTokens, "their tokens are counted");
    const isOrdered = this.#said.every(({ atMs }, at) => atMs >= (this.#said[at - 1]?.atMs ?? 0));
    assert(isOrdered, "time goes on");
  }
}
