// A logger for tests: what was said, line by line.

import type { Logger, LogLine } from "../logger.ts";

/** Writes what is worth telling an operator, i.e. no `debug`, into `lines`. */
export function lineLogger(lines: string[]): Logger {
  const note: LogLine = (first: unknown, message?: string): void => {
    lines.push(message ?? String(first));
  };
  return { debug: () => undefined, info: note, warn: note, error: note };
}
