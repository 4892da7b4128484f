// By rendezvous hashing: every worker draws a number from its own name and the conversation's, and
// the lowest gets it. A worker that comes or goes moves only the conversations that it gets or had.
// Requests of no conversation go by the beginning of their prompt.

import { rootBlockName, uniformAt } from "@loci/core";
import type { PlacementPolicy, PlacementView } from "./placement-policy.ts";

/** Prompts that agree in so many tokens go together where there is no conversation. */
const beginningTokens = 64;

export class SessionHash implements PlacementPolicy {
  readonly name = "session-hash";
  readonly tieWidth = 0;

  score({ live, tokens, workers, scores }: PlacementView): void {
    const { tenant, sessionKey } = live.request;
    const beginning = sessionKey ?? tokens.subarray(0, beginningTokens).join(" ");
    const key = hash(`${tenant.length}:${tenant}${beginning}`);
    for (const [index, { id }] of workers.entries()) scores[index] = uniformAt(key, hash(id));
  }
}

/** 32 bits of a text. */
function hash(text: string): number {
  return rootBlockName(text) >>> 0;
}
