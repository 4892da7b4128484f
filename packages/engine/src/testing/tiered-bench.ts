// An engine with memories below the device under a virtual clock: moves take time of their own, one
// after the other in each tier, beside the steps.

import { assert, defined } from "@loci/core";
import { Engine } from "../engine.ts";
import type { EngineOptions } from "../options.ts";
import type { StepBatch } from "../runner.ts";
import { plainHasher } from "../tiers/block-hasher.ts";
import type { MoveOrder, TierFacts } from "../tiers/block-mover.ts";
import { HashMover } from "./hash-mover.ts";
import { HashRunner } from "./hash-runner.ts";
import type { HashRunnerOptions } from "./hash-runner.ts";

export interface TieredBenchOptions {
  readonly runner: HashRunnerOptions;
  readonly engine?: Partial<EngineOptions>;
  readonly tiers: readonly TierFacts[];
  readonly msPerBlock: number;
}

export class TieredBench {
  readonly runner: HashRunner;
  readonly mover: HashMover;
  readonly engine: Engine;
  nowMs = 0;
  readonly #msPerBlock: number;
  /** When each order under way ends. */
  readonly #ends = new Map<number, number>();
  readonly #laneEnds = new Map<string, number>();

  constructor({ runner, engine, tiers, msPerBlock }: TieredBenchOptions) {
    this.runner = new HashRunner(runner);
    this.mover = new HashMover(this.runner, { tiers, msPerBlock });
    this.#msPerBlock = msPerBlock;
    this.engine = new Engine({
      limits: this.runner.limits,
      tokenText: this.runner,
      tiers: { tiers, hasher: plainHasher, blockBytes: msPerBlock * 1e6 },
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
    for (const outcome of this.mover.takeEnded()) {
      this.#ends.delete(outcome.id);
      this.engine.moved(outcome);
    }
    for (const [id, endMs] of this.#ends) if (endMs <= this.nowMs) this.#end(id);
    return batch;
  }

  get #nextEndMs(): number {
    return Math.min(...this.#ends.values());
  }

  #begin(order: MoveOrder): void {
    this.mover.submit(order);
    const lane =
      order.kind === "restore" ? "restores" : order.kind === "demote" ? "disk" : order.tier;
    const blocks = order.kind === "erase" ? 0 : order.blocks.length;
    const startMs = Math.max(this.nowMs, this.#laneEnds.get(lane) ?? 0);
    const endMs = startMs + blocks * this.#msPerBlock;
    this.#laneEnds.set(lane, endMs);
    this.#ends.set(order.id, endMs);
  }

  #end(id: number): void {
    assert(this.#ends.delete(id), "a move ends once");
    this.engine.moved(defined(this.mover.end(id), "the order is under way"));
  }
}
