// What a download looks like while it runs: a bar that never runs backwards, with speed and time
// left; or, where no one watches a terminal, a line now and then. Pure: time comes in as numbers.

import { formatBytes, formatSeconds } from "./units.ts";

export interface ProgressSample {
  readonly bytes: number;
  readonly nowMs: number;
}

/** Speed is averaged over about this long. */
const speedWindowMs = 8_000;

/** The numbers behind the bar. Its bytes only grow, also when a transfer starts anew. */
export class ProgressMeter {
  readonly bytesTotal: number;
  #bytesShown = 0;
  #last: ProgressSample | null = null;
  #bytesPerMs = 0;
  #weight = 0;

  constructor(bytesTotal: number) {
    this.bytesTotal = bytesTotal;
  }

  /** The first sample is where the transfer starts; what was there before has no speed. */
  add(sample: ProgressSample): void {
    const last = this.#last;
    this.#bytesShown = Math.max(this.#bytesShown, Math.min(sample.bytes, this.bytesTotal));
    if (last === null) {
      this.#last = sample;
      return;
    }
    const elapsedMs = sample.nowMs - last.nowMs;
    // Samples that follow each other closely would only measure the clock.
    if (elapsedMs < 100) {
      if (sample.bytes < last.bytes) this.#last = sample;
      return;
    }
    const bytes = Math.max(0, sample.bytes - last.bytes);
    const keep = Math.exp(-elapsedMs / speedWindowMs);
    this.#bytesPerMs = this.#bytesPerMs * keep + (bytes / elapsedMs) * (1 - keep);
    this.#weight = this.#weight * keep + (1 - keep);
    this.#last = sample;
  }

  get bytesShown(): number {
    return this.#bytesShown;
  }

  /** 0 to 1. */
  get fraction(): number {
    return this.bytesTotal === 0 ? 1 : this.#bytesShown / this.bytesTotal;
  }

  get bytesPerSecond(): number {
    return this.#weight === 0 ? 0 : (this.#bytesPerMs / this.#weight) * 1000;
  }

  /** Null while nothing moves, and in the first half second, whose speed says little. */
  get secondsLeft(): number | null {
    const speed = this.bytesPerSecond;
    return speed < 1 || this.#weight < 0.06 ? null : (this.bytesTotal - this.#bytesShown) / speed;
  }
}

/** One line of at most `columns` characters, e.g. `[####----]  50%  1.0 GB of 2.0 GB  …`. */
export function progressLine(meter: ProgressMeter, columns: number): string {
  const percent = `${Math.floor(meter.fraction * 100)}%`.padStart(4);
  const amount = `${formatBytes(meter.bytesShown)} of ${formatBytes(meter.bytesTotal)}`;
  const speed = `${formatBytes(meter.bytesPerSecond)}/s`;
  const left = meter.secondsLeft === null ? "" : `  ${formatSeconds(meter.secondsLeft)} left`;
  const facts = `${percent}  ${amount}  ${speed}${left}`;
  const width = Math.min(30, columns - facts.length - 4);
  if (width < 5) return facts.slice(0, Math.max(0, columns - 1));
  const filled = Math.floor(meter.fraction * width);
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${facts}`;
}
