// Any calls in any order, from a world that fails in every way it can: after each of them the router's
// books are right, and what it says can be done. The same calls give the same answers.

import { assert, defined, LociError, Random } from "@loci/core";
import { OraclePredictor } from "@loci/predict";
import { expect, test } from "vitest";
import { countTokens, routeRequest, workerFacts, workerLoad } from "./testing/router-fixtures.ts";
import { Router } from "./router.ts";
import type { AttemptFailure, NextAttempt } from "./router-events.ts";
import { policyNames, type PolicyName } from "./router-options.ts";

const ids = ["a", "b", "c", "d", "e", "f"];
const failures: readonly AttemptFailure[] = [
  "worker_lost",
  "worker_stalled",
  "unreachable",
  "refused",
];
const bounds = {
  workersMax: 5,
  requestsMax: 24,
  blocksMax: 256,
  sessionsMax: 8,
  explanationsMax: 4,
  heldMax: 6,
  heldMsMax: 9000,
};

interface Attempt {
  readonly id: string;
  delivered: number;
  isWaiting: boolean;
  /** It waits for its turn, not for a worker to be there. */
  isHeld: boolean;
}

class World {
  readonly log: string[] = [];
  readonly #random: Random;
  readonly #router: Router;
  readonly #live: Attempt[] = [];
  readonly #sequences = new Map<string, number>();
  #nowMs = 0;
  #requests = 0;

  constructor(policy: PolicyName, seed: number) {
    this.#random = new Random(seed);
    const lengths = new OraclePredictor(() => 20);
    const options = { policy, ...bounds, fetchSecondsPerBlock: 1e-4 };
    this.#router = new Router(options, { seed, lengths });
  }

  run(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.#nowMs += this.#random.integer(0, 9) === 0 ? this.#random.integer(0, 4000) : 7;
      this.#step();
      this.#release();
      for (const news of this.#router.takeNews()) this.log.push(JSON.stringify(news));
      if (step % 8 === 0) this.#check();
    }
    this.#finishAll();
    this.#check();
    assert(this.#router.liveRequests === 0, "all have ended");
    for (const { requests } of this.#router.workers()) assert(requests === 0, "everywhere");
  }

  #check(): void {
    this.#router.checkIntegrity();
    assert(this.#router.liveRequests === this.#live.length, "live requests are counted");
    const placed = this.#router.workers().reduce((sum, { requests }) => sum + requests, 0);
    const waiting = this.#live.filter(({ isWaiting }) => isWaiting).length;
    // Those of workers that left are nowhere until they are told to have failed.
    assert(placed + waiting <= this.#live.length, "each is in one place");
  }

  #step(): void {
    const kind = this.#random.integer(0, 13);
    if (kind <= 1) this.#member();
    else if (kind === 2) this.#router.tick(this.#nowMs);
    else if (kind === 3) this.#report();
    else if (kind === 4) this.#blocks();
    else if (kind <= 7) this.#place();
    else if (kind <= 10) this.#progress();
    else if (kind === 11) this.#finish();
    else this.#fail();
  }

  #member(): void {
    const id = this.#pick(ids);
    const kind = this.#random.integer(0, 7);
    if (kind === 0) this.#router.leave(id, this.#nowMs);
    else if (kind === 1) this.#router.drain(id, this.#nowMs);
    else {
      const epoch = String(this.#random.integer(0, 2));
      const sendsEvents = id !== "b";
      const facts = workerFacts(id, { epoch, sendsEvents, kvBlocksTotal: 64, sequencesMax: 4 });
      this.#attempt(() => {
        this.#router.join(facts, this.#nowMs);
        this.#sequences.set(id, 0);
        return "joined";
      });
    }
  }

  #report(): void {
    const number = (): number => this.#random.integer(0, 40);
    const load = workerLoad({
      requestsRunning: number(),
      requestsWaiting: number(),
      prefillTokensPending: 50 * number(),
      contextTokens: 50 * number(),
      kvBlocksFree: number(),
      kvBlocksCached: number(),
      kvBlocksPeak: 2 * number(),
      evictionSecondsPerBlock: number() / 1000,
    });
    for (const id of ids) {
      if (this.#random.integer(0, 3) === 0) continue;
      if (this.#random.integer(0, 1) === 0) this.#router.heard(id, this.#nowMs, number());
      else this.#router.report(id, load, this.#nowMs);
    }
  }

  #blocks(): void {
    const id = this.#pick(ids);
    const sequence = (this.#sequences.get(id) ?? 0) + this.#random.integer(0, 2);
    this.#sequences.set(id, sequence);
    const blocks = Array.from({ length: 4 }, () => this.#random.integer(-1, 1000));
    const type = this.#pick(["stored", "removed"] as const);
    if (this.#random.integer(0, 4) === 0) {
      const names = Float64Array.from(blocks);
      const missedTokens = this.#random.integer(0, 99);
      this.#router.sentElsewhere({ workerId: id, names, missedTokens }, this.#nowMs);
    }
    if (this.#random.integer(0, 4) === 0) {
      const held = [{ tier: "device" as const, blocks: Float64Array.from(blocks) }];
      this.#router.snapshot(id, { sequence, held }, this.#nowMs);
    } else {
      const events = [{ type, tier: this.#pick(["device", "host"] as const), blocks }];
      this.#router.events(id, { sequence, events }, this.#nowMs);
    }
  }

  #place(): void {
    const id = String(this.#requests++);
    const promptTokens = countTokens(this.#random.integer(1, 200), this.#random.integer(1, 3));
    const sessionKey = `session ${this.#random.integer(0, 12)}`;
    const request = routeRequest(id, { promptTokens, sessionKey, payer: this.#pick(ids) });
    const mayHold = this.#random.integer(0, 1) === 0;
    this.#attempt(() => {
      const placement = mayHold
        ? this.#router.placeOrHold(request, this.#nowMs)
        : this.#router.place(request, this.#nowMs);
      const isHeld = placement === null;
      this.#live.push({ id, delivered: 0, isWaiting: isHeld, isHeld });
      if (placement !== null) this.#expectReady(placement.workerId);
      return placement;
    });
  }

  #release(): void {
    for (const released of this.#router.takeReleased(this.#nowMs)) {
      const live = defined(this.#live.find(({ id }) => id === released.requestId));
      assert(live.isHeld, "who was held is released, once");
      this.log.push("error" in released ? released.error.code : JSON.stringify(released));
      live.isHeld = false;
      live.isWaiting = false;
      if ("error" in released) this.#live.splice(this.#live.indexOf(live), 1);
      else this.#expectReady(released.placement.workerId);
    }
  }

  #progress(): void {
    const live = this.#anyLive();
    if (live === null || live.isWaiting) return;
    this.#router.started(live.id, this.#random.integer(0, 100), this.#nowMs);
    const count = this.#random.integer(0, 5);
    live.delivered += count;
    this.#router.tokens(live.id, count, this.#nowMs);
  }

  #finish(): void {
    const live = this.#anyLive();
    if (live === null) return;
    const completionTokens = this.#random.integer(0, 1) === 0 ? null : live.delivered;
    const report = { completionTokens, cachedTokens: 8, endedByItself: true };
    this.#router.finished(live.id, report, this.#nowMs);
    this.#live.splice(this.#live.indexOf(live), 1);
  }

  #fail(): void {
    const live = this.#anyLive();
    if (live === null || live.isHeld) return;
    const delivered = countTokens(live.delivered);
    const next = live.isWaiting
      ? this.#router.again(live.id, delivered, this.#nowMs)
      : this.#router.failed(live.id, this.#pick(failures), delivered, this.#nowMs);
    this.#follow(live, next);
  }

  #follow(live: Attempt, next: NextAttempt): void {
    this.log.push(next.kind === "give_up" ? next.error.code : JSON.stringify(next));
    live.isWaiting = next.kind === "wait";
    if (next.kind === "give_up") this.#live.splice(this.#live.indexOf(live), 1);
    if (next.kind === "retry") this.#expectReady(next.placement.workerId);
  }

  #finishAll(): void {
    const report = { completionTokens: null, cachedTokens: null, endedByItself: false };
    for (const { id } of this.#live.splice(0)) this.#router.finished(id, report, this.#nowMs);
  }

  #expectReady(workerId: string): void {
    const status = this.#router.workers().find(({ facts }) => facts.id === workerId);
    const isReady = status?.health === "alive" || status?.health === "starting";
    assert(isReady, "requests go to those who are there");
  }

  #attempt(action: () => unknown): void {
    try {
      this.log.push(JSON.stringify(action()));
    } catch (error) {
      if (!(error instanceof LociError)) throw error;
      this.log.push(error.code);
    }
  }

  #anyLive(): Attempt | null {
    return this.#live.length === 0 ? null : this.#pick(this.#live);
  }

  #pick<T>(values: readonly T[]): T {
    return defined(values[this.#random.integer(0, values.length - 1)]);
  }
}

test.each(policyNames)("%s: any calls leave the books right", (policy) => {
  for (let seed = 1; seed <= 3; seed++) {
    const logs = [0, 1].map(() => {
      const world = new World(policy, seed);
      world.run(500);
      return world.log;
    });
    expect(logs[0]).toEqual(logs[1]);
    expect(defined(logs[0]).some((line) => line.includes('"workerId"'))).toBe(true);
  }
});
