// How many threads a step is worth. A graph's operations meet at a barrier a hundred times and
// more; for a small model's decode the barriers cost more than a second thread saves, and on a
// busy machine a barrier waits for a thread that is not running.

/** A model's size, as far as a step's work follows from it. */
export interface StepWork {
  /** Bytes that every step reads. */
  readonly weightBytes: number;
  /** Multiplications with each token. */
  readonly matrixParameters: number;
}

/** What one thread of a modest machine does in a second; only the order of magnitude matters. */
const bytesPerSecond = 10e9;
const flopsPerSecond = 50e9;

/** Work below which a further thread does not pay. */
const secondsPerThreadMin = 1e-3;

/** Threads for a step of `tokens` query tokens, from 1 to `threadsMax`. */
export function stepThreads(work: StepWork, tokens: number, threadsMax: number): number {
  const readSeconds = work.weightBytes / bytesPerSecond;
  const computeSeconds = (2 * work.matrixParameters * tokens) / flopsPerSecond;
  const wanted = Math.ceil(Math.max(readSeconds, computeSeconds) / secondsPerThreadMin);
  return Math.max(1, Math.min(threadsMax, wanted));
}
