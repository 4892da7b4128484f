// PostgreSQL's SQLSTATE codes as errors of the closed union, and which of them say "try again".

import { LociError } from "@loci/core";

import { corruptStore } from "../table.ts";

/** Serialisation failure, deadlock, and a reference that another transaction took away. */
const retryable: ReadonlySet<string> = new Set(["40001", "40P01", "23503"]);

/** True when the whole transaction may simply be run again. */
export function isRetryable(error: unknown): boolean {
  return retryable.has(stateOf(error) ?? "");
}

/** False when nobody knows what the connection would answer next: it must not be used again. */
export function leavesConnectionUsable(error: unknown): boolean {
  const state = stateOf(error);
  if (error instanceof LociError) return true;
  return state !== null && !state.startsWith("08") && !state.startsWith("57P");
}

/** The error to show for whatever PostgreSQL or its client threw. */
export function postgresError(error: unknown): unknown {
  if (error instanceof LociError || !(error instanceof Error)) return error;
  const state = stateOf(error);
  if (state === null) return isConnectionFailure(error) ? unreachableStore(error) : error;
  if (state === "53100") {
    return new LociError("storage_full", "There is no room to store this.", {
      remedy: "Free disk space of the database; the store then works again by itself.",
      cause: error,
    });
  }
  if (state.startsWith("XX00")) return corruptStore("The database is damaged.", error);
  if (state === "23505") {
    return new LociError("invalid_request", "An id was used twice.", { cause: error });
  }
  return isAvailabilityState(state) || isRetryable(error) ? unreachableStore(error) : error;
}

/** Connection, resources, operator intervention, read-only standby, authorization, unknown names. */
function isAvailabilityState(state: string): boolean {
  return ["08", "53", "57", "25", "28", "3D", "55", "42501"].some((start) =>
    state.startsWith(start),
  );
}

/** Addresses are in the cause, for logs: clients have no business with them. */
function unreachableStore(cause: Error): LociError {
  return new LociError("storage_unavailable", "The database does not answer as it should.", {
    remedy: "Try again; if it goes on, see whether the database is up and takes connections.",
    retryAfterSeconds: 1,
    cause,
  });
}

/** The same for whoever starts the server, with the reason. */
export function postgresOpenError(error: unknown): unknown {
  const known = postgresError(error);
  if (!(known instanceof LociError) || !(known.cause instanceof Error)) return known;
  return new LociError(known.code, `The database cannot be used (${known.cause.message}).`, {
    remedy: "See whether it is up, takes connections, and knows the user and the database.",
    cause: known.cause,
  });
}

/** Errors of sockets and of the client, which carry no SQLSTATE. */
function isConnectionFailure(error: Error): boolean {
  if (error instanceof AggregateError) return true;
  if ("code" in error && typeof error.code === "string") return /^E[A-Z]/.test(error.code);
  return /connect|timeout|terminated|closed|ended|SSL|password|SASL/i.test(error.message);
}

function stateOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  const { code } = error;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code)
    ? code
    : null;
}
