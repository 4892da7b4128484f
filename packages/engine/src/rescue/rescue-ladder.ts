// What happens when a running request finds no block: the cheapest way out, in seconds.
//
// 1. Wait: it sits out steps until somebody ends, which costs its share of the steps' fixed cost.
//    Only next to others that progress, and no longer than a reader of streamed text would not mind.
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
/** How long anybody sits out steps at most, in seconds. */
const waitSecondsMax = 0.5;

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
  /** Steps that a request has sat out by now. */
  readonly #satOut = new WeakMap<EngineRequest, number>();

  constructor(index: PrefixIndex, model: LatencyModel) {
    this.#index = index;
    this.#model = model;
  }

  choose(need: RescueNeed): Rescue {
    const early = need.newer.filter((request) => !isLate(request));
    const victim = this.#cheapest(early);
    if (need.mayWait && this.#waits(need, victim)) return { kind: "wait" };
    const given = victim ?? this.#newest(need.newer);
    if (given === null) return { kind: "none" };
    return { kind: "preempt", victim: given.request, moves: given.moves };
  }

  /** The request found its block. */
  served(request: EngineRequest): void {
    this.#satOut.delete(request);
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

  /** Whether it sits out this step, for less than the victim would cost. */
  #waits({ request, running }: RescueNeed, victim: Victim | null): boolean {
    let steps = Infinity;
    let attended = 0;
    for (const other of running) {
      attended += other.tokensKnown;
      if (other === request || other.tokensWanted > 1) continue;
      steps = Math.min(steps, other.forecast.expectedRemaining(other.generated));
    }
    const satOut = this.#satOut.get(request) ?? 0;
    const { length } = running;
    const stepSeconds = this.#model.predictSeconds({ tokens: length, attended, sequences: length });
    const lost = (steps * this.#model.coefficients.secondsPerStep) / length;
    // Who is nearly done is waited for in any case.
    const isLong = (satOut + steps) * stepSeconds > waitSecondsMax;
    if (victim !== null && (isLong || lost > victim.seconds)) return false;
    this.#satOut.set(request, satOut + 1);
    return true;
  }
}

export function isLate({ forecast, generated }: EngineRequest): boolean {
  const total = generated + forecast.expectedRemaining(generated);
  return generated > 0 && generated >= lateShare * total;
}
