// The lines of one answer as they come from a worker, whichever way.

export interface AnswerLines {
  /**
   * The next line as JSON; undefined when the stream has ended. Throws what broke it, once all lines
   * before were read.
   */
  next(): Promise<unknown>;
  /** Nothing more is wanted of an answer that has ended. */
  release(): void;
  /** Nobody wants the rest: breaks it off. */
  destroy(): void;
}
