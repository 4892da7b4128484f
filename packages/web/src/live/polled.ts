// What is asked for every few seconds while it is looked at: lists that the live stream leaves out.

import { useEffect, useState } from "preact/hooks";
import { requestJson } from "../api/api-client.ts";
import { isAbort, toApiError, type ApiError } from "../api/api-error.ts";
import { apiKey } from "../api/api-key.ts";
import { browserClock } from "../browser-clock.ts";

export interface Polled<T> {
  /** The last that came; null before the first. */
  readonly value: T | null;
  /** Why the last try failed; null when it did not. */
  readonly error: ApiError | null;
}

const backoffMax = 8;
/** HTTP: a key is missing, or is not accepted. */
export const keyRefusedStatus = 401;
const nothing = { value: null, error: null } as const;

export interface PollPlan<T> {
  readonly periodMs: number;
  /** Makes what is shown out of the JSON. */
  readonly decode: (body: unknown) => T;
  /** Nothing more is asked for after such a value; absent: never done. */
  readonly isDone?: (value: T) => boolean;
}

/**
 * Asks for `path` at once and then every `periodMs`, less often while it fails, not while the page
 * is hidden. Null asks for nothing. `plan` must stay the same.
 */
export function usePolled<T>(path: string | null, plan: PollPlan<T>): Polled<T> {
  const { periodMs, decode, isDone } = plan;
  const [state, setState] = useState<Polled<T>>(nothing);
  const key = apiKey.value;
  useEffect(() => {
    setState(nothing);
    if (path === null) return undefined;
    const stop = new AbortController();
    const poll = async (): Promise<void> => {
      let failures = 0;
      for (;;) {
        if (document.visibilityState === "visible") {
          try {
            const value = decode(await requestJson<unknown>(path, { signal: stop.signal }));
            failures = 0;
            setState({ value, error: null });
            if (isDone?.(value) === true) return;
          } catch (error) {
            if (isAbort(error) || stop.signal.aborted) return;
            failures++;
            const told = toApiError(error);
            setState(({ value }) => ({ value, error: told }));
            // The page asks for a key; until there is a new one the answer would be the same.
            if (told.status === keyRefusedStatus) return;
          }
        }
        await browserClock.sleep(periodMs * Math.min(backoffMax, 2 ** failures), stop.signal);
      }
    };
    // Rejects only when it is stopped in its sleep.
    poll().catch(() => undefined);
    return () => stop.abort();
  }, [path, periodMs, decode, isDone, key]);
  return state;
}
