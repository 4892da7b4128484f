// Waiting for a reader: what was written beyond a stream's buffer is bounded by who waits for it to
// leave, and no reader is waited for without end.

import type { Clock } from "./clock.ts";

/** What this needs of a writable stream. */
export interface DrainableStream {
  once(event: "drain" | "close", listener: () => void): unknown;
  off(event: "drain" | "close", listener: () => void): unknown;
}

/** The reader took it, has left, or took nothing in time. */
export type DrainOutcome = "drained" | "closed" | "slow";

export function untilDrained(
  stream: DrainableStream,
  clock: Clock,
  slowReaderMs: number,
): Promise<DrainOutcome> {
  return new Promise((resolve) => {
    const settle = (outcome: DrainOutcome): void => {
      cancelTimer();
      stream.off("drain", onDrain);
      stream.off("close", onClose);
      resolve(outcome);
    };
    const onDrain = (): void => settle("drained");
    const onClose = (): void => settle("closed");
    const cancelTimer = clock.after(slowReaderMs, () => settle("slow"));
    stream.once("drain", onDrain);
    stream.once("close", onClose);
  });
}
