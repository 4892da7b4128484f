// The same trace with a fraction of its work: lengths divided, times and sharing as they are.

export interface TraceOptions {
  /** Divides prompts and the blocks that they share. */
  readonly promptDivisor?: number;
  readonly answerDivisor?: number;
}

/** A number of tokens, divided; at least 1. */
export function scaled(tokens: number, divisor: number): number {
  return Math.max(1, Math.round(tokens / divisor));
}
