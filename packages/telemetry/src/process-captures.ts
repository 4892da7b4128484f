// What this process does and holds, for a person with Chrome's developer tools: a CPU profile of some
// seconds, or a snapshot of the JavaScript heap. One at a time; the heap holds what clients wrote, so
// these are for operators only.

import { Session } from "node:inspector/promises";
import { Readable } from "node:stream";
import { getHeapSnapshot } from "node:v8";
import { LociError, sleep } from "@loci/core";
import type { Clock } from "@loci/core";

export const profileSecondsMax = 60;
/** Sampled so often; fine enough to see a step, cheap enough to serve on. */
const sampleMicroseconds = 500;

export class ProcessCaptures {
  readonly #clock: Clock;
  #isBusy = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * A `.cpuprofile` of the next `seconds`, or fewer when `signal` is aborted. Throws queue_full while
   * another capture is under way.
   */
  async profile(seconds: number, signal: AbortSignal): Promise<Readable> {
    requireSeconds(seconds);
    this.#begin();
    const session = new Session();
    try {
      session.connect();
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: sampleMicroseconds });
      await session.post("Profiler.start");
      await Promise.race([sleep(this.#clock, seconds * 1000), aborted(signal)]);
      const { profile } = await session.post("Profiler.stop");
      return Readable.from([JSON.stringify(profile)]);
    } finally {
      session.disconnect();
      this.#isBusy = false;
    }
  }

  /** A `.heapsnapshot`, while it is written. The process stands still when it begins. */
  heap(): Readable {
    this.#begin();
    const snapshot = getHeapSnapshot();
    snapshot.once("close", () => {
      this.#isBusy = false;
    });
    return snapshot;
  }

  #begin(): void {
    if (this.#isBusy) {
      throw new LociError("queue_full", "Another capture of this process is under way.", {
        retryAfterSeconds: profileSecondsMax,
      });
    }
    this.#isBusy = true;
  }
}

function requireSeconds(seconds: number): void {
  if (seconds > 0 && seconds <= profileSecondsMax) return;
  throw new LociError("invalid_request", `A profile takes up to ${profileSecondsMax} seconds.`, {
    param: "seconds",
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
