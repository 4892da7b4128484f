// The page's one stream of live views.

import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { openEvents } from "../api/api-client.ts";
import { apiKey } from "../api/api-key.ts";
import { browserClock } from "../browser-clock.ts";
import { LiveStore } from "./live-store.ts";
import type { LiveView } from "@loci/core";

export const live: LiveStore = new LiveStore(async (signal, onData) => {
  await openEvents("/loci/live", {
    signal,
    onEvent: ({ name, data }) => {
      if (name === "view") onData(data);
    },
  });
}, browserClock);

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
