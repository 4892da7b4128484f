// What travels between the store and its SQLite thread.

import { LociError } from "@loci/core";
import type { ErrorCode } from "@loci/core";

import type { ProgramCall } from "../program-list.ts";
import type { SqliteOptions } from "./sqlite-database.ts";

/** Where a crash test ends the process; in an order of their own in each write group. */
export type CrashPoint = "before-commit" | "before-acknowledge" | "in-checkpoint";

export interface WorkerStart extends SqliteOptions {
  /** For crash tests: end the process at this point of the n-th write group. */
  readonly crash: { readonly point: CrashPoint; readonly group: number } | null;
}

export type WorkerRequest =
  | { readonly id: number; readonly kind: "run"; readonly call: ProgramCall }
  | { readonly id: number; readonly kind: "check" }
  | { readonly id: number; readonly kind: "close" };

export type WorkerReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: PackedError }
  /** A checkpoint begins; only told to crash tests. */
  | { readonly id: -1; readonly event: "checkpoint" };

/** The request that every worker answers first, without being asked. */
export const openedId = 0;

export interface PackedError {
  /** Null: not a LociError, a mistake of this program. */
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly remedy: string | null;
  readonly stack: string;
}

export function packError(error: unknown): PackedError {
  const isKnown = error instanceof LociError;
  const remedy = isKnown ? error.remedy : null;
  const text = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.stack : null;
  return {
    code: isKnown ? error.code : null,
    // LociError appends the remedy; it will do so again on the other side.
    message: remedy === null ? text : text.slice(0, -remedy.length - 1),
    remedy,
    stack: cause ? `${stack}\nCaused by: ${cause}` : stack,
  };
}

export function unpackError({ code, message, remedy, stack }: PackedError): Error {
  const cause = new Error(message);
  cause.stack = stack;
  if (code === null) return cause;
  return new LociError(code, message, remedy === null ? { cause } : { remedy, cause });
}
