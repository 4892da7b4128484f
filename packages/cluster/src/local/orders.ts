// What a supervisor and its worker say to each other over the worker's standard input and output:
// lines of JSON. Nothing of it stands on a command line, where everybody could read it.

import type { LociError } from "@loci/core";
import { Fields } from "../wire/fields.ts";
import { decodeError, encodeError } from "../wire/generation-lines.ts";
import { parseLine } from "../wire/line-splitter.ts";

/** The first line to a worker. */
export interface StartOrder {
  readonly workerId: string;
  /** The cluster's key in plain; null where none is needed. */
  readonly key: string | null;
  /** Whatever the program needs; plain JSON. */
  readonly settings: unknown;
}

export type WorkerWord =
  | { readonly kind: "ready"; readonly url: string }
  | { readonly kind: "failed"; readonly error: LociError };

export const orderBytesMax: number = 1024 * 1024;
const textCharsMax = 4096;

export function encodeStartOrder(order: StartOrder): string {
  return `${JSON.stringify({ order: "start", ...order })}\n`;
}

export function encodeStopOrder(graceMs: number): string {
  return `${JSON.stringify({ order: "stop", graceMs })}\n`;
}

/** Throws WireError. */
export function decodeStartOrder(line: string): StartOrder {
  const value = parseLine(line);
  const fields = new Fields(value);
  fields.choice("order", ["start"]);
  return {
    workerId: fields.text("workerId", textCharsMax),
    key: fields.has("key") ? fields.text("key", textCharsMax) : null,
    settings: fields.plain("settings"),
  };
}

/** Milliseconds that running answers may take. Throws WireError. */
export function decodeStopOrder(line: string): number {
  const fields = new Fields(parseLine(line));
  fields.choice("order", ["stop"]);
  return fields.number("graceMs", 0);
}

/** A worker's words begin like this; every other line of its output is for people. */
const wordMark = "loci-worker ";

export function encodeWord(word: WorkerWord): string {
  const text =
    word.kind === "ready"
      ? JSON.stringify({ type: "ready", url: word.url })
      : encodeError(word.error);
  return `${wordMark}${text}\n`;
}

/** Null for a line that is no word. Throws WireError for one that cannot be read. */
export function decodeWord(line: string): WorkerWord | null {
  if (!line.startsWith(wordMark)) return null;
  const fields = new Fields(parseLine(line.slice(wordMark.length)));
  if (fields.choice("type", ["ready", "error"]) === "error") {
    return { kind: "failed", error: decodeError(fields) };
  }
  return { kind: "ready", url: fields.text("url", textCharsMax) };
}
