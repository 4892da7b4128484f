// A worker's process in a random world: the real engine on a device that keeps hashes in place of keys
// and values, the feed of its block events, and the streams of its attempts.

import { assert, LociError } from "@loci/core";
import type { GenerationRequest, KvSnapshot, WorkerLoad } from "@loci/core";
import { Engine, HashRunner } from "@loci/engine";
import type { EngineEvent, StepResult } from "@loci/engine";
import { KvEventLog } from "@loci/router";
import type { WorkerFacts } from "@loci/router";
import { seedAnswers } from "../../seeds/seed-choices.ts";
import type { FaultChoices } from "./fault-choices.ts";
import type { FaultRouter } from "./fault-router.ts";
import type { FaultWorldParts } from "./fault-world-parts.ts";
import { WorldProcess } from "./world-process.ts";

/** Who gets the events of an attempt. */
interface Attempt {
  readonly router: FaultRouter;
  readonly routerLife: number;
}

const reportEveryMs = 500;

export class FaultWorker {
  readonly id: string;
  readonly process: WorldProcess;
  readonly #choices: FaultChoices;
  readonly #world: FaultWorldParts;
  readonly #attempts = new Map<string, Attempt>();
  #engine: Engine;
  #runner: HashRunner;
  #log = new KvEventLog();
  #stepInFlight = false;
  /** Steps take so many times as long. */
  slowness = 1;

  constructor(index: number, choices: FaultChoices, world: FaultWorldParts) {
    this.id = `worker ${index}`;
    this.process = new WorldProcess(this.id);
    this.#choices = choices;
    this.#world = world;
    this.#runner = this.#makeRunner();
    this.#engine = this.#makeEngine();
  }

  get engine(): Engine {
    return this.#engine;
  }

  get epoch(): string {
    return String(this.process.life);
  }

  get facts(): WorkerFacts {
    const { limits, options } = this.#choices;
    return {
      id: this.id,
      epoch: this.epoch,
      model: "hash",
      fingerprint: "hash",
      contextTokensMax: this.#engine.contextTokensMax,
      blockTokens: limits.blockTokens,
      kvBlocksTotal: limits.blockCount,
      sequencesMax: options.sequencesMax ?? limits.stepSlicesMax,
      toleratesGaps: true,
      sendsEvents: true,
      continuesAnswers: true,
    };
  }

  get load(): WorkerLoad {
    return this.#engine.load();
  }

  get eventSequence(): number {
    return this.#log.sequence;
  }

  get snapshot(): KvSnapshot {
    return { sequence: this.#log.sequence, held: this.#engine.heldBlocks() };
  }

  /** Starts with nothing, and tells every router. */
  start(): void {
    this.process.start();
    this.#runner = this.#makeRunner();
    this.#engine = this.#makeEngine();
    this.#log = new KvEventLog();
    this.#attempts.clear();
    this.#stepInFlight = false;
    for (const router of this.#world.routers) this.greet(router);
    this.#reportLater();
  }

  /** Dies. `isSilent`: nobody is told that connections are gone. */
  kill(isSilent: boolean): void {
    if (!this.process.isUp) return;
    this.process.kill();
    if (isSilent) return;
    for (const [attemptId, { router, routerLife }] of this.#attempts) {
      this.#world.network.stream(this.process, router.process, () => {
        router.process.run(routerLife, () => router.broken(attemptId));
      });
    }
  }

  /** Tells a router that it is there: facts, load, and all that it holds. */
  greet(router: FaultRouter): void {
    const { facts, load, snapshot } = this;
    const { life } = router.process;
    this.#world.network.stream(this.process, router.process, () => {
      router.process.run(life, () => router.greeted(this, { facts, load, snapshot }));
    });
  }

  /** A router wants to know all that is held. */
  sendSnapshot(router: FaultRouter, routerLife: number): void {
    const { epoch, snapshot } = this;
    this.#world.network.stream(this.process, router.process, () => {
      router.process.run(routerLife, () => router.heardSnapshot(this, epoch, snapshot));
    });
  }

  /** Begins, or goes on with, an answer. */
  open(attemptId: string, request: GenerationRequest, attempt: Attempt): void {
    try {
      this.#engine.submit({ ...request, id: attemptId }, this.#world.now());
      this.#attempts.set(attemptId, attempt);
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      const { router, routerLife } = attempt;
      this.#world.network.stream(this.process, router.process, () => {
        router.process.run(routerLife, () => router.refused(attemptId, error));
      });
      return;
    }
    this.#turn();
  }

  /** The router does not want it any more. */
  close(attemptId: string): void {
    if (!this.#attempts.delete(attemptId)) return;
    this.#engine.cancel(attemptId, this.#world.now());
    this.#turn();
  }

  /** In the end: nothing is held for anybody. */
  checkIdle(): void {
    this.#engine.checkIntegrity();
    assert(this.#engine.isIdle, `${this.id}: nobody is left`);
    assert(this.#attempts.size === 0, `${this.id}: no attempt is left`);
  }

  #turn(): void {
    const { queue, now } = this.#world;
    if (!this.#stepInFlight) {
      const batch = this.#engine.schedule(now());
      assert(this.#engine.takeOrders().length === 0, "there is nowhere to move blocks to");
      if (batch !== null) {
        const result = this.#runner.run(batch);
        const { life } = this.process;
        this.#stepInFlight = true;
        const endMs = now() + result.durationMs * this.slowness;
        queue.push(endMs, () => this.process.run(life, () => this.#endStep(result)));
      }
    }
    this.#deliver();
  }

  #endStep(result: StepResult): void {
    this.#stepInFlight = false;
    this.#engine.commit(result, this.#world.now());
    this.#engine.checkIntegrity();
    this.#turn();
  }

  #deliver(): void {
    for (const entry of this.#engine.takeEvents()) this.#pass(entry);
    const events = this.#engine.takeKvEvents();
    if (events.length === 0) return;
    const batch = this.#log.append(events);
    const { epoch } = this;
    for (const router of this.#world.routers) {
      this.#world.network.datagram(this.process, router.process, () =>
        router.heardEvents(this, epoch, batch),
      );
    }
  }

  #pass(entry: EngineEvent): void {
    const attempt = this.#attempts.get(entry.requestId);
    // Its router closed it.
    if (attempt === undefined) return;
    const isLast = "error" in entry || entry.event.type === "finished";
    if (isLast) this.#attempts.delete(entry.requestId);
    const { router, routerLife } = attempt;
    this.#world.network.stream(this.process, router.process, () => {
      router.process.run(routerLife, () => router.heardAnswer(entry));
    });
  }

  #reportLater(): void {
    const { life } = this.process;
    this.#world.queue.push(this.#world.now() + reportEveryMs, () =>
      this.process.run(life, () => {
        const { epoch, load, eventSequence } = this;
        for (const router of this.#world.routers) {
          this.#world.network.datagram(this.process, router.process, () =>
            router.heardReport(this, epoch, { load, eventSequence }),
          );
        }
        this.#reportLater();
      }),
    );
  }

  #makeRunner(): HashRunner {
    const { limits, costMs } = this.#choices;
    return new HashRunner({ ...limits, costMs, ...seedAnswers });
  }

  #makeEngine(): Engine {
    const { limits, options } = this.#choices;
    return new Engine({ limits, tokenText: this.#runner, options, reportsBlocks: true });
  }
}
