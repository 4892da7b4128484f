// Trying again: what may pass is retried with growing, jittered pauses, a bounded number of times
// without progress; what will not pass is an error at once.

import { LociError, uniformAt, type Clock } from "@loci/core";
import type { HttpResponse } from "./http-client.ts";
import { TransientError } from "./transient-error.ts";

export interface RetryPolicy {
  /** Failures in a row without a byte of progress. */
  readonly failuresMax: number;
  /** Attempts altogether. */
  readonly attemptsMax: number;
  readonly delayMsFirst: number;
  readonly delayMsMax: number;
  /** A server's `Retry-After` counts up to this. */
  readonly retryAfterMsMax: number;
}

export const retryPolicyDefault: RetryPolicy = {
  failuresMax: 6,
  attemptsMax: 200,
  delayMsFirst: 500,
  delayMsMax: 20_000,
  retryAfterMsMax: 120_000,
};

export interface RetryContext {
  readonly clock: Clock;
  /** For the jitter. */
  readonly seed: number;
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  /** Told of each failure that is retried. */
  onRetry(reason: string, delayMs: number): void;
}

/**
 * Runs `attempt` until it returns. `progress` is a number that grows when an attempt got
 * anywhere. Throws LociError `download_failed` when the policy is exhausted or on abort.
 */
export async function withRetries<T>(
  context: RetryContext,
  progress: () => number,
  attempt: () => Promise<T>,
): Promise<T> {
  const { policy } = context;
  let failures = 0;
  for (let attempts = 1; ; attempts++) {
    const before = progress();
    try {
      context.signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      if (context.signal.aborted) throw abortError(context.signal);
      const transient = asTransient(error);
      failures = progress() > before ? 1 : failures + 1;
      if (failures >= policy.failuresMax || attempts >= policy.attemptsMax) {
        throw new LociError("download_failed", `${transient.message} (${attempts} attempts).`, {
          remedy: "Check the connection and run the command again; it goes on where it stopped.",
          cause: transient,
        });
      }
      const delayMs = delayOf(context, failures, transient.retryAfterMs);
      context.onRetry(transient.message, delayMs);
      await pause(context, delayMs);
    }
  }
}

function asTransient(error: unknown): TransientError {
  if (error instanceof TransientError) return error;
  if (error instanceof LociError || !(error instanceof Error) || !("code" in error)) throw error;
  const code = String(error.code);
  // Several addresses that failed together have no message of their own.
  const message = error.message || `no connection (${code})`;
  if (passing.test(code)) return new TransientError(message, null, error);
  throw new LociError("download_failed", `The download failed: ${message}.`, { cause: error });
}

/** Codes of sockets, name look-ups and undici that another attempt may not meet. */
const passing =
  /^(?:ECONN\w+|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|E(?:NET|HOST)(?:UNREACH|DOWN)|UND_ERR_\w+)$/;

function delayOf(context: RetryContext, failures: number, retryAfterMs: number | null): number {
  const { policy } = context;
  if (retryAfterMs !== null) return Math.min(retryAfterMs, policy.retryAfterMsMax);
  const grown = Math.min(policy.delayMsFirst * 2 ** (failures - 1), policy.delayMsMax);
  return grown * (0.5 + uniformAt(context.seed, failures) / 2);
}

async function pause(context: RetryContext, delayMs: number): Promise<void> {
  const { clock, signal } = context;
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal.addEventListener("abort", finish);
  });
}

function abortError(signal: AbortSignal): LociError {
  return new LociError("cancelled", "The download was stopped.", {
    remedy: "Run the command again; it goes on where it stopped.",
    cause: signal.reason,
  });
}

/** Throws for any status that is not 2xx: TransientError where waiting may help. */
export function throwForStatus(response: HttpResponse, what: string): void {
  const { status } = response;
  if (status >= 200 && status < 300) return;
  response.discard();
  if (status === 408 || status === 429 || status >= 500) {
    const seconds = Number(response.header("retry-after") ?? Number.NaN);
    const retryAfterMs = Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
    throw new TransientError(`the hub answered ${status} for ${what}`, retryAfterMs);
  }
  if (status === 401 || status === 403) {
    throw new LociError("forbidden", `The hub refuses ${what} (status ${status}).`, {
      remedy: "Check its name, accept its licence on the hub, and set HF_TOKEN.",
    });
  }
  if (status === 404) {
    throw new LociError("model_not_found", `The hub does not know ${what}.`, {
      remedy: "Check the spelling and the revision.",
    });
  }
  throw new LociError("download_failed", `The hub answered ${status} for ${what}.`);
}
