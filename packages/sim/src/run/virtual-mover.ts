// When moves between memories end. The link to the host carries one move in each direction at a time,
// the disk one in all; a move waits for those of its lane that were ordered before it.

import type { MoveOrder, MoveOutcome, TierFacts, TierName } from "@loci/engine";
import type { CostModel } from "../cost/cost-model.ts";

type Lane = "toHost" | "fromHost" | "disk";

export interface PlannedMove {
  readonly outcome: MoveOutcome;
  readonly endMs: number;
}

export class VirtualMover {
  readonly tiers: readonly TierFacts[];
  readonly #cost: CostModel;
  readonly #blockBytes: number;
  readonly #freeAtMs: Record<Lane, number> = { toHost: 0, fromHost: 0, disk: 0 };
  /** When the last restore of a gate ends. */
  readonly #gates = new Map<number, number>();

  constructor(tiers: readonly TierFacts[], blockBytes: number, cost: CostModel) {
    this.tiers = tiers;
    this.#blockBytes = blockBytes;
    this.#cost = cost;
  }

  /** Takes an order; its outcome takes effect at `endMs`. */
  order(order: MoveOrder, nowMs: number): PlannedMove {
    const tier: TierName = order.kind === "demote" ? "disk" : order.tier;
    const blocks = order.kind === "erase" ? order.slots.length : order.blocks.length;
    const work = { kind: order.kind, tier, blocks, blockBytes: this.#blockBytes };
    const durationMs = 1000 * this.#cost.moveSeconds(work);
    const lane = laneOf(order.kind, tier);
    const endMs = Math.max(nowMs, this.#freeAtMs[lane]) + durationMs;
    this.#freeAtMs[lane] = endMs;
    if (order.kind === "restore") this.#gates.set(order.gate, endMs);
    return { outcome: { id: order.id, failed: [], durationMs }, endMs };
  }

  /** When a step that passes these gates can end: a layer's work after the last of them. */
  gatedEndMs(gates: readonly number[], stepMs: number, startMs: number): number {
    let endMs = startMs + stepMs;
    for (const gate of gates) {
      endMs = Math.max(endMs, (this.#gates.get(gate) ?? startMs) + stepMs * lastLayerShare);
    }
    return endMs;
  }
}

/** What is left to compute when the last layer has come: one of some thirty layers. */
const lastLayerShare = 1 / 32;

function laneOf(kind: MoveOrder["kind"], tier: TierName): Lane {
  if (tier === "disk") return "disk";
  return kind === "restore" ? "fromHost" : "toHost";
}
