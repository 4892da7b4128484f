// SQLite's result codes as errors of the closed union. What is none of them is a mistake of ours
// and goes on as it is.

import { LociError } from "@loci/core";

import { corruptStore } from "../table.ts";

/** Primary result codes: the lowest byte of an extended one. */
const result = {
  busy: 5,
  locked: 6,
  outOfMemory: 7,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  tooBig: 18,
  constraint: 19,
  notADatabase: 26,
} as const;

/** Extended codes of reads that found something else than what was written. */
const damagedReads: ReadonlySet<number> = new Set([522, 8202, 8458]);
/** Failed syncs of the file and of its folder. */
const failedSyncs: ReadonlySet<number> = new Set([1034, 1290]);
const uniqueConstraints: ReadonlySet<number> = new Set([1555, 2067]);

/** The error to show for whatever SQLite or Node threw. */
export function sqliteError(error: unknown): unknown {
  if (error instanceof LociError || !(error instanceof Error)) return error;
  if ("code" in error && error.code === "ERR_OUT_OF_RANGE") {
    return corruptStore("A stored number is damaged.", error);
  }
  const code = resultCode(error);
  if (code === null) return error;
  if (damagedReads.has(code)) return corruptStore("The store's file is damaged.", error);
  if (uniqueConstraints.has(code)) {
    return new LociError("invalid_request", "An id was used twice.", { cause: error });
  }
  return primaryError(code & 0xff, error);
}

/** After a failed sync nobody knows what reached the disk, so nothing more is written to the file. */
export function isFatal(error: unknown): boolean {
  const code = resultCode(error);
  return code !== null && failedSyncs.has(code);
}

function primaryError(code: number, cause: Error): Error {
  switch (code) {
    case result.full:
      return new LociError("storage_full", "There is no room to store this.", {
        remedy: "Free disk space; the store then works again by itself.",
        cause,
      });
    case result.corrupt:
    case result.notADatabase:
      return corruptStore("The store's file is damaged.", cause);
    case result.busy:
    case result.locked:
      return new LociError("storage_unavailable", "Another process has the store open.", {
        remedy: "Stop it, or choose another place with --store.",
        cause,
      });
    case result.ioError:
      return unavailable("The store's file cannot be read or written.", cause);
    case result.readOnly:
    case result.cannotOpen:
      return unavailable("The store's file cannot be opened for writing.", cause);
    case result.tooBig:
      return new LociError("invalid_request", "This is too large to store.", { cause });
    case result.outOfMemory:
      return new LociError("out_of_memory", "The store has no memory left.", { cause });
    default:
      return cause;
  }
}

function unavailable(message: string, cause: Error): LociError {
  const remedy = `See whether the disk and its permissions are in order (${cause.message}).`;
  return new LociError("storage_unavailable", message, { remedy, cause });
}

function resultCode(error: unknown): number | null {
  if (!(error instanceof Error) || !("errcode" in error)) return null;
  return typeof error.errcode === "number" ? error.errcode : null;
}
