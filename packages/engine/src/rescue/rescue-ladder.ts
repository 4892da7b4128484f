// What happens when a running request finds no block: the cheapest way out, in seconds.
//
// 1. Wait: it sits out steps until somebody ends, which costs its share of the steps' fixed cost.
//    Only next to others that progress.
// 2. Somebody newer gives way: its blocks go to the memory below, or are computed again, whichever is
//    cheaper. The one whose blocks cost least to bring back is chosen, but nobody who is nearly done
//    (TRAIL's rule, digest 4.2): a late victim has held much memory for nothing.
// 3. If only late ones are left and nobody progresses, the newest gives way all the same.
//
// Only newer requests give way to older ones, so the oldest always gets on and nobody starves.

import { defined } from "@loci/core";
import type { LatencyModel } from "@loci/core";
import type { PrefixIndex } from "../kv/prefix-index.ts";
import type { EngineRequest } from "../request.ts";

/** A request is late once it has this share of its predicted length. */
const lateShare = 0.8;
/** Steps in a row that anybody sits out at most. */
const waitStepsMax = 512;

export type Rescue =
  | { readonly kind: "wait" }
  | { readonly kind: "preempt"; readonly victim: EngineRequest; readonly moves: boolean }
  /** Nobody can give way. */
  | { readonly kind: "none" };

export interface RescueNeed {
  readonly request: EngineRequest;
  readonly running: readonly EngineRequest[];
  /** Running requests that are newer and have nothing in this step yet. */
  readonly newer: readonly EngineRequest[];
  /** Somebody else progresses in this step. */
  readonly mayWait: boolean;
}

interface Victim {
  readonly request: EngineRequest;
  readonly seconds: number;
  readonly secondsPerBlock: number;
  readonly moves: boolean;
}

export class RescueLadder {
  readonly #index: PrefixIndex;
  readonly #model: LatencyModel;
  readonly #waits = new WeakMap<EngineRequest, number>();

  constructor(index: PrefixIndex, model: LatencyModel) {
    this.#index = index;
    this.#model = model;
  }

  choose(need: RescueNeed): Rescue {
    const early = need.newer.filter((request) => !isLate(request));
    const victim = this.#cheapest(early);
    const waits = this.#waits.get(need.request) ?? 0;
    const mayWait = need.mayWait && waits < waitStepsMax;
    if (mayWait && (victim === null || this.#waitSeconds(need) <= victim.seconds)) {
      this.#waits.set(need.request, waits + 1);
      return { kind: "wait" };
    }
    const given = victim ?? this.#newest(need.newer);
    if (given === null) return { kind: "none" };
    return { kind: "preempt", victim: given.request, moves: given.moves };
  }

  /** The request found its block. */
  served(request: EngineRequest): void {
    this.#waits.delete(request);
  }

  /** Seconds until its blocks are back, and from where. */
  price(request: EngineRequest): Victim {
    const blocks = Math.max(1, this.#index.ownedCount(defined(request.blocks)));
    const tokens = Math.min(request.tokensKnown, blocks * this.#index.blockTokens);
    const recompute = this.#model.prefillSeconds(tokens, request.tokensKnown - tokens);
    const restore = this.#restoreSeconds(blocks);
    const seconds = Math.min(recompute, restore);
    return { request, seconds, secondsPerBlock: seconds / blocks, moves: restore < recompute };
  }

  #cheapest(requests: readonly EngineRequest[]): Victim | null {
    let best: Victim | null = null;
    for (const request of requests) {
      const victim = this.price(request);
      // Among equals the newest, which comes last.
      if (best === null || victim.secondsPerBlock <= best.secondsPerBlock) best = victim;
    }
    return best;
  }

  #newest(requests: readonly EngineRequest[]): Victim | null {
    const last = requests.at(-1);
    return last === undefined ? null : this.price(last);
  }

  /** There and back again by way of the nearest memory below. */
  #restoreSeconds(blocks: number): number {
    const [nearest] = this.#index.tiers.tiers;
    return nearest === undefined ? Infinity : 2 * nearest.restoreRate.secondsPerBlock * blocks;
  }

  /** What it costs that the request sits out steps until the next one is expected to end. */
  #waitSeconds({ request, running }: RescueNeed): number {
    let steps = Infinity;
    for (const other of running) {
      if (other === request || other.tokensWanted > 1) continue;
      steps = Math.min(steps, other.forecast.expectedRemaining(other.generated));
    }
    return (steps * this.#model.coefficients.secondsPerStep) / running.length;
  }
}

export function isLate({ forecast, generated }: EngineRequest): boolean {
  const total = generated + forecast.expectedRemaining(generated);
  return generated > 0 && generated >= lateShare * total;
}
