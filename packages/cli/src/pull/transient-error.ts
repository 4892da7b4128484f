// The failure of an attempt that another attempt may not meet.

/** A failure that may pass. */
export class TransientError extends Error {
  override readonly name = "TransientError";
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null, cause?: unknown) {
    super(message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}
