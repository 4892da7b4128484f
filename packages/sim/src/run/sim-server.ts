// One engine with a device that only says how long things take: what a server's process does between
// its engine and its device, for whoever drives it by a queue of times.

import { assert } from "@loci/core";
import { Engine, plainHasher } from "@loci/engine";
import type {
  EngineParts,
  MoveOutcome,
  RunnerLimits,
  StepBatch,
  StepResult,
  TierFacts,
} from "@loci/engine";
import type { CostModel } from "../cost/cost-model.ts";
import { CostRunner } from "./cost-runner.ts";
import { MemoryUse } from "./memory-use.ts";
import { VirtualMover } from "./virtual-mover.ts";

export interface ServerParts extends Pick<EngineParts, "options" | "lengths"> {
  readonly cost: CostModel;
  readonly limits: RunnerLimits;
  readonly tiers?: { readonly facts: readonly TierFacts[]; readonly blockBytes: number };
}

/** Something that a server has begun and that ends at a time. */
export type ServerHappening =
  | { readonly kind: "step"; readonly result: StepResult }
  | { readonly kind: "move"; readonly outcome: MoveOutcome };

export class SimServer {
  readonly engine: Engine;
  readonly runner: CostRunner;
  readonly memory: MemoryUse;
  readonly #mover: VirtualMover | null;
  readonly #plan: (atMs: number, happening: ServerHappening) => void;
  #stepInFlight = false;
  #busyMs = 0;

  /** `plan` keeps what ends later; when its time has come it goes to `happen`. */
  constructor(
    { cost, limits, tiers, options, lengths }: ServerParts,
    plan: (atMs: number, happening: ServerHappening) => void,
    engineParts: Partial<EngineParts> = {},
  ) {
    this.runner = new CostRunner(limits, cost);
    this.#mover = tiers ? new VirtualMover(tiers.facts, tiers.blockBytes, cost) : null;
    this.engine = new Engine({
      ...engineParts,
      limits,
      tokenText: this.runner,
      ...(options && { options }),
      ...(lengths && { lengths }),
      ...(tiers && {
        tiers: { tiers: tiers.facts, blockBytes: tiers.blockBytes, hasher: plainHasher },
      }),
    });
    this.memory = new MemoryUse(this.engine);
    this.#plan = plan;
  }

  /** Virtual time that the device computed, the step in flight included. */
  get busyMs(): number {
    return this.#busyMs;
  }

  /** What was planned has come to its end. */
  happen(happening: ServerHappening, nowMs: number): void {
    if (happening.kind === "move") {
      this.engine.moved(happening.outcome);
      return;
    }
    this.#stepInFlight = false;
    this.engine.commit(happening.result, nowMs);
  }

  /** Starts the next step, unless one is in flight or there is nothing to do. */
  schedule(nowMs: number): void {
    if (this.#stepInFlight) return;
    const batch = this.engine.schedule(nowMs);
    for (const order of this.engine.takeOrders()) {
      assert(this.#mover !== null, "who gives orders knows of a mover");
      const { outcome, endMs } = this.#mover.order(order, nowMs);
      this.#plan(endMs, { kind: "move", outcome });
    }
    if (batch !== null) this.#start(batch, nowMs);
  }

  #start(batch: StepBatch, nowMs: number): void {
    const { samples, durationMs } = this.runner.run(batch);
    const gates = batch.gates ?? [];
    const endMs =
      this.#mover === null || gates.length === 0
        ? nowMs + durationMs
        : this.#mover.gatedEndMs(gates, durationMs, nowMs);
    const result = { samples, durationMs: endMs - nowMs };
    this.#busyMs += result.durationMs;
    this.memory.note(nowMs);
    this.#stepInFlight = true;
    this.#plan(endMs, { kind: "step", result });
  }
}
