// Something that is done once at a time and may fail.

import { useState } from "preact/hooks";
import { toApiError, type ApiError } from "../api/api-error.ts";

export interface Act {
  readonly isBusy: boolean;
  readonly error: ApiError | null;
  /** Does nothing while the last one is under way. */
  readonly run: (work: () => Promise<void>) => void;
}

export function useAct(): Act {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  const work = async (act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (thrown) {
      setError(toApiError(thrown));
    } finally {
      setBusy(false);
    }
  };
  return {
    isBusy,
    error,
    run: (act) => {
      if (!isBusy) void work(act);
    },
  };
}
