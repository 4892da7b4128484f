// The page's one stream of live views.

import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { openEvents } from "../api/api-client.ts";
import { ApiError } from "../api/api-error.ts";
import { apiKey } from "../api/api-key.ts";
import { browserClock } from "../browser-clock.ts";
import { LiveStore } from "./live-store.ts";
import { keyRefusedStatus } from "./polled.ts";
import type { LiveView } from "@loci/core";

export const live: LiveStore = new LiveStore({
  source: async (signal, onData) => {
    await openEvents("/loci/live", {
      signal,
      onEvent: ({ name, data }) => {
        if (name === "view") onData(data);
      },
    });
  },
  clock: browserClock,
  // The page asks for a key; until there is a new one the answer would be the same.
  isFinal: (cause) => cause instanceof ApiError && cause.status === keyRefusedStatus,
});

document.addEventListener("visibilitychange", () => {
  live.setVisible(document.visibilityState === "visible");
});

// A new key may open what an old one did not.
effect(() => {
  if (apiKey.value !== null) live.retryNow();
});

/** The last view; the component watches as long as it is shown, and renders with every view. */
export function useLive(): LiveView | null {
  useEffect(() => live.watch(), []);
  return live.latest.value;
}
