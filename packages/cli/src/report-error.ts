// A failure as its reader needs it: what happened and what to do, a stack only on request. Programs
// that asked for JSON get it as one object.

import { LociError } from "@loci/core";

import { exitCodes } from "./exit-codes.ts";
import { paintError } from "./output.ts";
import type { Output } from "./output.ts";
import { printable } from "./terminal/safe-text.ts";
import { explainSystemError } from "./terminal/system-errors.ts";

export interface ReportOptions {
  /** Show where it happened. */
  readonly debug: boolean;
  /** One line of JSON: `{"error":{"code","message","remedy"}}`. */
  readonly json: boolean;
}

/** Writes the failure to stderr and returns the exit code. */
export function reportError(output: Output, thrown: unknown, options: ReportOptions): number {
  const error = explainSystemError(thrown) ?? thrown;
  if (options.json) output.err(`${errorJson(error)}\n`);
  else writeLines(output, error, options.debug);
  return error instanceof LociError && error.code === "config_invalid"
    ? exitCodes.usage
    : exitCodes.failed;
}

/** A wrong command line, found before anything ran, as the same JSON. */
export function usageJson(message: string, remedy: string): string {
  return JSON.stringify({ error: { code: "config_invalid", message, remedy } });
}

function writeLines(output: Output, error: unknown, debug: boolean): void {
  const known = error instanceof LociError;
  output.err(`${paintError(output, "red", "loci:")} ${printable(describe(error))}\n`);
  if (known && error.remedy === null && error.code === "internal") {
    output.err("Run again with --log-level debug to see where it happened.\n");
  }
  if (debug || !known) output.err(`${printable(stackOf(error))}\n`);
}

function errorJson(error: unknown): string {
  const known = error instanceof LociError;
  const remedy = known ? error.remedy : null;
  const whole = describe(error);
  // A LociError's message ends with its remedy, which has a field of its own here.
  const message =
    remedy !== null && whole.endsWith(` ${remedy}`) ? whole.slice(0, -remedy.length - 1) : whole;
  return JSON.stringify({ error: { code: known ? error.code : "internal", message, remedy } });
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof LociError ? error.message : `unexpected ${error.name}: ${error.message}`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  const cause = error.cause === undefined ? "" : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
