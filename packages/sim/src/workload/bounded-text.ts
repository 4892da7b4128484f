// Trace files come from elsewhere: whatever is in them, reading them takes bounded memory and ends in
// requests or in one typed error that names the line.

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { LociError } from "@loci/core";

const fileBytesMax = 512 * 1024 * 1024;
/** UTF-16 units of a line: the longest prompts have some hundred block ids of ten digits. */
const lineLengthMax = 1024 * 1024;
const linesMax = 5_000_000;

/** The text of a file. Throws `file_unreadable` when it is missing, or larger than 512 MiB. */
export function readBoundedText(path: string): string {
  const name = basename(path);
  try {
    if (statSync(path).size > fileBytesMax) {
      throw new LociError("file_unreadable", `${name} is larger than 512 MiB.`);
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof LociError) throw error;
    throw new LociError("file_unreadable", `${name} cannot be read.`, { cause: error });
  }
}

export interface TextLine {
  readonly text: string;
  /** File and number of the line, for messages. */
  readonly where: string;
}

/** The lines that are not empty. Throws `invalid_request` at a line beyond the bounds. */
export function* boundedLines(name: string, text: string): Generator<TextLine> {
  let start = 0;
  for (let number = 1; start < text.length; number++) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    const where = `${name}:${number}`;
    if (number > linesMax) throw badLine(where, `more than ${linesMax} lines`);
    if (end - start > lineLengthMax) throw badLine(where, "the line is too long");
    const line = text.slice(start, end).trim();
    start = end + 1;
    if (line !== "") yield { text: line, where };
  }
}

/** An object of a line of JSON. Throws `invalid_request`. */
export function parseObject({ text, where }: TextLine): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badLine(where, "no JSON", error);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  throw badLine(where, "no object");
}

/** A whole number of an object, from 0 to `max`. Throws `invalid_request`. */
export function countOf(value: object, name: string, max: number, where: string): number {
  const field: unknown = Reflect.get(value, name);
  if (typeof field === "number" && Number.isSafeInteger(field) && field >= 0 && field <= max) {
    return field;
  }
  throw badLine(where, `${name} is no whole number of 0 to ${max}`);
}

/** The error for a line that is no request. */
export function badLine(where: string, problem: string, cause?: unknown): LociError {
  const details = cause === undefined ? {} : { cause };
  return new LociError("invalid_request", `${where}: ${problem}.`, details);
}
