// Where the lines of one answer go: to a connection of its own, or to a trunk.

export interface AnswerWriter {
  /** Aborted when the reader has left, whatever the reason. */
  readonly gone: AbortSignal;
  /** Resolves when there is room for more. Throws cancelled or client_too_slow. */
  write(line: string): Promise<void>;
  /** Gives the answer up: its reader asks another worker. */
  destroy(): void;
}
