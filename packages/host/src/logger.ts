// Where notes on the engine's work go. The command line gives it pino; a library's user, anything.

/** A text, with fields in front of it or without. */
export interface LogLine {
  (message: string): void;
  (fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface Logger {
  readonly debug: LogLine;
  readonly info: LogLine;
  readonly warn: LogLine;
  readonly error: LogLine;
}
