// A failure as its reader needs it: what happened and what to do, a stack only on request.

import { LociError } from "@loci/core";

import { exitCodes } from "./exit-codes.ts";
import { paint } from "./output.ts";
import type { Output } from "./output.ts";

/** Writes the failure to stderr and returns the exit code. */
export function reportError(output: Output, error: unknown, debug: boolean): number {
  const known = error instanceof LociError;
  const prefix = paint(output, "red", "loci:");
  output.err(`${prefix} ${describe(error)}\n`);
  if (known && error.remedy === null && error.code === "internal") {
    output.err("Run again with --log-level debug to see where it happened.\n");
  }
  if (debug || !known) output.err(`${stackOf(error)}\n`);
  return known && error.code === "config_invalid" ? exitCodes.usage : exitCodes.failed;
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
