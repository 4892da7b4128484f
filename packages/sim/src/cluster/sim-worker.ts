// A worker as the cluster's simulation has it: a server with its virtual device, and what a worker's
// process tells routers of it.

import type { GenerationRequest, KvEventBatch, KvSnapshot, WorkerLoad } from "@loci/core";
import type { EngineEvent } from "@loci/engine";
import type { WorkerFacts } from "@loci/router";
import type { PlannedAnswer } from "../run/cost-runner.ts";
import { SimServer } from "../run/sim-server.ts";
import type { ServerHappening, ServerParts } from "../run/sim-server.ts";

/** What a worker says after a turn of its loop. */
export interface WorkerNews {
  readonly events: readonly EngineEvent[];
  /** Null: no block came or went. */
  readonly batch: KvEventBatch | null;
}

export class SimWorker {
  readonly index: number;
  readonly facts: WorkerFacts;
  readonly server: SimServer;
  #sequence = 0;

  constructor(
    index: number,
    parts: ServerParts,
    plan: (atMs: number, worker: SimWorker, happening: ServerHappening) => void,
  ) {
    this.index = index;
    const { limits, options } = parts;
    this.server = new SimServer(parts, (atMs, happening) => plan(atMs, this, happening), {
      reportsBlocks: true,
    });
    this.facts = {
      id: `worker ${index}`,
      epoch: "1",
      model: "simulated",
      fingerprint: "simulated",
      contextTokensMax: this.server.engine.contextTokensMax,
      blockTokens: limits.blockTokens,
      kvBlocksTotal: limits.blockCount,
      sequencesMax: options?.sequencesMax ?? limits.stepSlicesMax,
      toleratesGaps: true,
      sendsEvents: true,
      continuesAnswers: true,
    };
  }

  /** Throws LociError when the engine refuses. */
  submit(request: GenerationRequest, answer: PlannedAnswer, nowMs: number): void {
    const { engine, runner } = this.server;
    engine.submit(request, nowMs);
    runner.plan(request.id, answer);
  }

  get load(): WorkerLoad {
    return this.server.engine.load();
  }

  get snapshot(): KvSnapshot {
    return { sequence: this.#sequence, held: this.server.engine.heldBlocks() };
  }

  /** What is new since the last call; null when nothing is. */
  takeNews(): WorkerNews | null {
    const events = this.server.engine.takeEvents();
    for (const entry of events) {
      const isLast = "error" in entry || entry.event.type === "finished";
      if (isLast) this.server.runner.release(entry.requestId);
    }
    const changes = this.server.engine.takeKvEvents();
    if (events.length === 0 && changes.length === 0) return null;
    const batch = changes.length === 0 ? null : { sequence: ++this.#sequence, events: changes };
    return { events, batch };
  }
}
