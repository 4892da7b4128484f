// The page's only access to time. Everything else takes it from here, as it takes a Clock on the
// server, so that what depends on time can be found and tested.

/** Ends a timer; harmless when it has fired or was ended before. */
export type CancelTimer = () => void;

export interface BrowserClock {
  /** Milliseconds since some moment; never goes back. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  unixMs(): number;
  after(delayMs: number, callback: () => void): CancelTimer;
  every(periodMs: number, callback: () => void): CancelTimer;
  /** Before the next painting. */
  nextFrame(callback: () => void): CancelTimer;
  /** Resolves after the delay; rejects when the signal ends it. */
  sleep(delayMs: number, signal: AbortSignal): Promise<void>;
}

export const browserClock: BrowserClock = {
  nowMs: () => performance.now(),
  unixMs: () => Date.now(),
  after: (delayMs, callback) => {
    const id = setTimeout(callback, delayMs);
    return () => clearTimeout(id);
  },
  every: (periodMs, callback) => {
    const id = setInterval(callback, periodMs);
    return () => clearInterval(id);
  },
  nextFrame: (callback) => {
    const id = requestAnimationFrame(callback);
    return () => cancelAnimationFrame(id);
  },
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(id);
        reject(new DOMException("The wait was ended.", "AbortError"));
      };
      const id = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, delayMs);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    }),
};
