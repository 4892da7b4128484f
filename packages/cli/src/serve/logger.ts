// Logging by pino to stderr, so that stdout stays free for answers. `json` is pino's own format;
// `text` is one short line for a person.

import { pino } from "pino";
import type { Logger } from "pino";

export type { Logger } from "pino";

export interface LoggerOptions {
  readonly level: "trace" | "debug" | "info" | "warn" | "error" | "silent";
  readonly format: "text" | "json";
  /** What every line has besides, as of the moment it is written. */
  readonly fields?: () => object;
  /** Receives each line. */
  readonly write: (line: string) => void;
}

/** Writes are handed over at once: nothing is lost when the process ends. */
export function createLogger(options: LoggerOptions): Logger {
  const { fields, format, level, write } = options;
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(fields && { mixin: fields }),
      formatters: { level: (label) => ({ level: label }) },
      redact: ["req.headers.authorization", 'req.headers["x-api-key"]'],
    },
    { write: format === "json" ? write : (line) => write(textLine(line)) },
  );
}

const hiddenFields: ReadonlySet<string> = new Set(["time", "level", "msg", "err", "stack"]);
const fieldCharsMax = 200;

/** pino's JSON line as "12:34:56 info  message key=value". A line that is not JSON stays. */
export function textLine(line: string): string {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return line;
  }
  if (typeof entry !== "object" || entry === null) return line;
  const fields: Readonly<Record<string, unknown>> = { ...entry };
  const time = String(fields["time"]).slice(11, 19);
  const level = String(fields["level"]).padEnd(5);
  const rest = Object.entries(fields)
    .filter(([key, value]) => !hiddenFields.has(key) && value !== undefined)
    .map(([key, value]) => ` ${key}=${fieldText(value)}`);
  const error = errorText(fields["err"]);
  return `${time} ${level} ${fieldText(fields["msg"] ?? "")}${rest.join("")}${error}\n`;
}

/** Control characters are escaped: a request must not write lines of its own into the log. */
function fieldText(value: unknown): string {
  const isPlain = typeof value === "string" && !/\p{Cc}/u.test(value);
  const text = isPlain ? value : JSON.stringify(value);
  return text.length > fieldCharsMax ? `${text.slice(0, fieldCharsMax)}…` : text;
}

function errorText(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("stack" in error && typeof error.stack === "string") return `\n${error.stack}`;
  return `\n${JSON.stringify(error)}`;
}
