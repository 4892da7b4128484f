// Time is an argument: only this file reads the machine's clocks, so a simulator can own time.

/** Two to five methods of time, monotonic but for `unixSeconds`. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never steps back. */
  nowMs(): number;
  /** Wall-clock seconds since 1970, for time stamps in answers only. */
  unixSeconds(): number;
  /** Calls `action` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  unixSeconds: () => Math.floor(Date.now() / 1000),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs` on `clock`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
