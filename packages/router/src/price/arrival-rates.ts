// How much comes: requests and seconds of prompts per second, as decayed means. It says how many
// more will stand behind what is queued now.

import { assert } from "@loci/core";

/** News of so long ago weigh 1/e. */
const memorySeconds = 30;

export class ArrivalRates {
  #requests = 0;
  #seconds = 0;
  #atMs = 0;
  #startMs: number | null = null;

  /** A request came that asks for so many seconds of prompts, and so many of its answer. */
  arrived(seconds: number, nowMs: number): void {
    this.#startMs ??= nowMs;
    this.#decay(nowMs);
    this.#requests += 1;
    this.#seconds += seconds;
  }

  requestsPerSecond(nowMs: number): number {
    this.#decay(nowMs);
    return this.#requests / this.#spanSeconds(nowMs);
  }

  /** Seconds of work that come in a second, over all workers. */
  secondsPerSecond(nowMs: number): number {
    this.#decay(nowMs);
    return this.#seconds / this.#spanSeconds(nowMs);
  }

  checkIntegrity(): void {
    assert(this.#requests >= 0 && this.#seconds >= 0, "rates are not negative");
    assert(Number.isFinite(this.#requests + this.#seconds), "rates are numbers");
  }

  /** What the sums stand for: less than the memory until that much was seen, but a second at least. */
  #spanSeconds(nowMs: number): number {
    const seenSeconds = Math.max(1, (nowMs - (this.#startMs ?? nowMs)) / 1000);
    return memorySeconds * (1 - Math.exp(-seenSeconds / memorySeconds));
  }

  #decay(nowMs: number): void {
    const kept = Math.exp(-Math.max(0, nowMs - this.#atMs) / 1000 / memorySeconds);
    this.#requests *= kept;
    this.#seconds *= kept;
    this.#atMs = nowMs;
  }
}
