// Preble's order inside a worker (digest 3.5): requests stand in groups by how much of their prompt is
// cached, and a round of starts takes from each group as many as its rank: ten of the best cached,
// nine of the next, one of those with nothing. Hits come first, and nobody waits for ever: whoever
// heads its group starts in this round or the next, and a round has 55 starts. Answers that began
// elsewhere come before all: their readers wait in the middle of a sentence.

import { assert, defined } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import type { WaitingOrder } from "./waiting-order.ts";

/** Groups of cached share; the quota of group i is i + 1. */
const groupCount = 10;
/** What is cached of a waiting prompt is looked up anew after so long. */
const lookUpMs = 1_000;

interface Waiting {
  group: number;
  lookedUpMs: number;
}

export class PrebleOrder implements WaitingOrder {
  readonly #cachedTokens: (request: EngineRequest) => number;
  readonly #known = new Map<EngineRequest, Waiting>();
  /** Starts that this round still has for each group. */
  readonly #left: number[] = quotas();

  /** @param cachedTokens of a request's known tokens, those that some memory has */
  constructor(cachedTokens: (request: EngineRequest) => number) {
    this.#cachedTokens = cachedTokens;
  }

  arrange(
    waiting: readonly EngineRequest[],
    countMax: number,
    nowMs: number,
  ): readonly EngineRequest[] {
    // In each group in order of arrival.
    const groups: EngineRequest[][] = quotas().map(() => []);
    const arranged: EngineRequest[] = [];
    for (const request of waiting) {
      if (request.delivered > 0) arranged.push(request);
      else defined(groups[this.#groupOf(request, nowMs)]).push(request);
    }
    const left = [...this.#left];
    const places = groups.map(() => 0);
    const countEnd = Math.min(countMax, waiting.length);
    while (arranged.length < countEnd) {
      const before = arranged.length;
      for (let group = groupCount - 1; group >= 0; group--) {
        const [place, quota] = [defined(places[group]), defined(left[group])];
        const taken = defined(groups[group]).slice(place, place + quota);
        arranged.push(...taken);
        places[group] = place + taken.length;
        left[group] = quota - taken.length;
      }
      // The next round.
      if (arranged.length === before) left.splice(0, groupCount, ...quotas());
    }
    return arranged.slice(0, countEnd);
  }

  arrived(request: EngineRequest): void {
    this.#known.set(request, { group: 0, lookedUpMs: -Infinity });
  }

  /** What it has computed is cached now. */
  returned(request: EngineRequest): void {
    this.arrived(request);
  }

  started(request: EngineRequest): void {
    if (request.delivered > 0) return;
    const { group } = defined(this.#known.get(request), "who starts has waited");
    // Nobody was left in the groups that had starts left: a new round.
    if (this.#left[group] === 0) this.#left.splice(0, groupCount, ...quotas());
    this.#left[group] = defined(this.#left[group]) - 1;
  }

  ended(request: EngineRequest): void {
    this.#known.delete(request);
  }

  checkIntegrity(present: readonly EngineRequest[]): void {
    assert(this.#known.size === present.length, "those who are there are known");
    for (const request of present) assert(this.#known.has(request), "whoever came is known");
    for (const [group, left] of this.#left.entries()) {
      assert(left >= 0 && left <= group + 1, "a group starts no more than its rank in a round");
    }
  }

  #groupOf(request: EngineRequest, nowMs: number): number {
    const known = defined(this.#known.get(request), "who waits has come");
    if (nowMs - known.lookedUpMs >= lookUpMs) {
      const share = this.#cachedTokens(request) / request.tokensKnown;
      known.group = Math.min(groupCount - 1, Math.floor(share * groupCount));
      known.lookedUpMs = nowMs;
    }
    return known.group;
  }
}

function quotas(): number[] {
  return Array.from({ length: groupCount }, (_, group) => group + 1);
}
