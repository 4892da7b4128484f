// When a step may overtake a restore. A gate lets a layer be computed as soon as the restore has
// brought that layer, so loading hides behind computing; but a step that reaches its gates too early
// makes everyone in it wait. So a request joins only when its blocks should be there about as soon as
// the step has computed its way to them.

import { defined } from "@loci/core";
import type { LatencyModel } from "@loci/core";
import type { EngineRequest } from "./request.ts";
import type { TierDirectory } from "./tiers/tier-directory.ts";

/** With nothing else to compute, a step may take this many times its own time waiting for layers. */
const aloneFactor = 4;

export class RestoreGates {
  readonly #tiers: TierDirectory;
  readonly #model: LatencyModel;
  readonly #passed = new Set<number>();

  constructor(tiers: TierDirectory, model: LatencyModel) {
    this.#tiers = tiers;
    this.#model = model;
  }

  /** Gates of the current step. */
  get passed(): readonly number[] {
    return [...this.#passed];
  }

  /** A new step is planned. */
  clear(): void {
    this.#passed.clear();
  }

  /**
   * The position before which a running request's tokens can be computed in this step, `tokens` of
   * them at most; Infinity when all of its blocks are there or will be in time.
   */
  computableEnd(
    request: EngineRequest,
    { tokens, isAlone }: { readonly tokens: number; readonly isAlone: boolean },
    nowMs: number,
  ): number {
    const blocks = defined(request.blocks);
    if (blocks.restores.size === 0) return Infinity;
    let remaining = 0;
    for (const order of blocks.restores.keys()) {
      remaining = Math.max(remaining, this.#tiers.restores.remainingSeconds(order, nowMs));
    }
    const contextStart = Math.max(0, request.tokensKnown - tokens);
    const step = this.#model.prefillSeconds(tokens, contextStart);
    return remaining <= step * (isAlone ? aloneFactor : 1) ? Infinity : blocks.arrivedEnd;
  }

  /** The request has its part of the step: what it overtakes becomes a gate of the step. */
  pass(request: EngineRequest): void {
    const blocks = defined(request.blocks);
    if (request.frontierScheduled <= blocks.arrivedEnd) return;
    for (const order of blocks.restores.keys()) {
      const gate = this.#tiers.restores.gateOf(order);
      if (gate !== null) this.#passed.add(gate);
    }
  }
}
