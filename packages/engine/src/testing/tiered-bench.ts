// An engine with memories below the device under a virtual clock: moves take time of their own, one
// after the other in each tier, beside the steps.

import { assert, defined } from "@loci/core";
import { Engine } from "../engine.ts";
import type { EngineOptions } from "../options.ts";
import type { StepBatch } from "../runner.ts";
import { plainHasher } from "../tiers/block-hasher.ts";
import type { MoveOrder, MoveOutcome, TierFacts, TierName } from "../tiers/block-mover.ts";
import { HashMover } from "./hash-mover.ts";
import { HashRunner } from "./hash-runner.ts";
import type { HashRunnerOptions } from "./hash-runner.ts";

export interface TieredBenchOptions {
  readonly runner: HashRunnerOptions;
  readonly engine?: Partial<EngineOptions>;
  readonly tiers: readonly TierFacts[];
  readonly msPerBlock: Readonly<Record<TierName, number>>;
}

export class TieredBench {
  readonly runner: HashRunner;
  readonly mover: HashMover;
  readonly engine: Engine;
  nowMs = 0;
  readonly #msPerBlock: Readonly<Record<TierName, number>>;
  /** When each order under way ends, and what it takes. */
  readonly #ends = new Map<number, { readonly endMs: number; readonly durationMs: number }>();
  readonly #laneEnds = new Map<string, number>();

  constructor({ runner, engine, tiers, msPerBlock }: TieredBenchOptions) {
    this.runner = new HashRunner(runner);
    this.mover = new HashMover(this.runner, { tiers });
    this.#msPerBlock = msPerBlock;
    this.engine = new Engine({
      limits: this.runner.limits,
      tokenText: this.runner,
      tiers: { tiers, hasher: plainHasher, blockBytes: msPerBlock.host * 1e6 },
      ...(engine && { options: engine }),
    });
  }

  /** One step; without work the clock goes on to the next end of a move. */
  step(): StepBatch | null {
    const batch = this.engine.schedule(this.nowMs);
    for (const order of this.engine.takeOrders()) this.#begin(order);
    if (batch !== null) {
      const result = this.runner.run(batch);
      this.nowMs += result.durationMs;
      this.engine.commit(result, this.nowMs);
    } else if (this.#ends.size > 0) this.nowMs = Math.max(this.nowMs, this.#nextEndMs);
    for (const outcome of this.mover.takeEnded()) this.#end(outcome);
    for (const [id, { endMs }] of this.#ends) {
      if (endMs <= this.nowMs) this.#end(defined(this.mover.end(id), "the order is under way"));
    }
    return batch;
  }

  get #nextEndMs(): number {
    return Math.min(...[...this.#ends.values()].map(({ endMs }) => endMs));
  }

  #begin(order: MoveOrder): void {
    this.mover.submit(order);
    const tier = order.kind === "demote" ? "disk" : order.tier;
    const lane = order.kind === "restore" ? "restores" : tier;
    const blocks = order.kind === "erase" ? 0 : order.blocks.length;
    const durationMs = blocks * this.#msPerBlock[tier];
    const endMs = Math.max(this.nowMs, this.#laneEnds.get(lane) ?? 0) + durationMs;
    this.#laneEnds.set(lane, endMs);
    this.#ends.set(order.id, { endMs, durationMs });
  }

  #end(outcome: MoveOutcome): void {
    const { durationMs } = defined(this.#ends.get(outcome.id), "the order is under way");
    assert(this.#ends.delete(outcome.id), "a move ends once");
    this.engine.moved({ ...outcome, durationMs });
  }
}
