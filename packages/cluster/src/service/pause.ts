// Waiting that ends early when nobody waits any more.

import type { Clock } from "@loci/core";

/** Resolves after `delayMs`, or as soon as `signal` is aborted. */
export function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      cancel();
      signal.removeEventListener("abort", stop);
      resolve();
    };
    const cancel = clock.after(delayMs, stop);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
}
