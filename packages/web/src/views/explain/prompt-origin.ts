// Where a prompt's keys and values came from. Each token is counted once.

import type { RequestStory } from "@loci/core";

export interface OriginPart {
  readonly origin: "device" | "host" | "disk" | "peer" | "recomputed" | "computed";
  readonly label: string;
  readonly tokens: number;
}

/** Without parts of no tokens. What no memory had was computed, or is still to be. */
export function promptOrigin(story: RequestStory): readonly OriginPart[] {
  const { promptTokens, fromDevice, fromHost, fromDisk, fromPeer, recomputedTokens } = story;
  const held = fromDevice + fromHost + fromDisk + fromPeer;
  const rest = Math.max(0, promptTokens - held);
  const again = Math.min(rest, recomputedTokens);
  const parts: readonly OriginPart[] = [
    { origin: "device", label: "found in device memory", tokens: fromDevice },
    { origin: "host", label: "restored from host memory", tokens: fromHost },
    { origin: "disk", label: "restored from disk", tokens: fromDisk },
    { origin: "peer", label: "fetched from another worker", tokens: fromPeer },
    { origin: "recomputed", label: "known, dropped, computed again", tokens: again },
    { origin: "computed", label: "new, computed", tokens: rest - again },
  ];
  return parts.filter(({ tokens }) => tokens > 0);
}

/** Of the prompt, what did not have to be computed; null for an empty prompt. */
export function cachedShareOf(story: RequestStory): number | null {
  const { promptTokens, fromDevice, fromHost, fromDisk, fromPeer } = story;
  if (promptTokens <= 0) return null;
  return Math.min(1, (fromDevice + fromHost + fromDisk + fromPeer) / promptTokens);
}
