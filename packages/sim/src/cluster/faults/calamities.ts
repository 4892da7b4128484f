// What goes wrong in a random cluster, and when: each kind of fault comes at its own rate, to whom it
// chances, and ends by itself or when calm is made.

import { defined } from "@loci/core";
import type { FaultChoices, FaultRates } from "./fault-choices.ts";
import type { FaultRouter } from "./fault-router.ts";
import type { FaultWorker } from "./fault-worker.ts";
import type { FaultWorldParts } from "./fault-world-parts.ts";

/** Longest times of faults, in milliseconds: shorter and longer than routers are patient for. */
const downMsMax = 8000;
const stallMsMax = 9000;
const slowMsMax = 10_000;
const slownessMax = 30;
const cutMsMax = 9000;
const pauseMsMax = 12_000;

const faultKinds: readonly (keyof FaultRates)[] = [
  "kill",
  "stall",
  "slow",
  "partition",
  "routerKill",
  "routerPause",
  "drain",
];

export class Calamities {
  readonly #choices: FaultChoices;
  readonly #world: FaultWorldParts;
  /** Workers that get nothing new until they start again. */
  readonly #drained = new Set<FaultWorker>();
  #isOver = false;
  #count = 0;

  constructor(choices: FaultChoices, world: FaultWorldParts) {
    this.#choices = choices;
    this.#world = world;
  }

  /** Faults so far. */
  get count(): number {
    return this.#count;
  }

  begin(): void {
    for (const kind of faultKinds) this.#plan(kind);
  }

  /** No more of it: who is dead starts, who stands still goes on, links are whole. */
  end(): void {
    this.#isOver = true;
    const { workers, routers, network } = this.#world;
    network.calm();
    for (const worker of this.#drained) worker.kill(false);
    for (const worker of workers) {
      for (const router of routers) network.heal(worker.process, router.process);
      worker.slowness = 1;
      worker.process.resume();
      if (!worker.process.isUp) worker.start();
    }
    for (const router of routers) {
      router.process.resume();
      if (!router.process.isUp) router.start();
    }
  }

  /** The next one of a kind: gaps are exponential. */
  #plan(kind: keyof FaultRates): void {
    const rate = this.#choices.rates[kind];
    if (rate === 0) return;
    const { random, queue, now } = this.#world;
    const gapMs = (-1000 * Math.log(1 - random.next())) / rate;
    queue.push(now() + gapMs, () => {
      if (this.#isOver) return;
      this.#count++;
      this.#happen(kind);
      this.#plan(kind);
    });
  }

  #happen(kind: keyof FaultRates): void {
    const worker = this.#any(this.#world.workers);
    const router = this.#any(this.#world.routers);
    switch (kind) {
      case "kill":
        this.#kill(worker);
        break;
      case "stall":
        this.#pause(worker, stallMsMax);
        break;
      case "slow":
        worker.slowness = 1 + this.#world.random.next() * slownessMax;
        this.#later(slowMsMax, () => (worker.slowness = 1));
        break;
      case "partition":
        this.#world.network.cut(worker.process, router.process);
        this.#later(cutMsMax, () => this.#world.network.heal(worker.process, router.process));
        break;
      case "routerKill":
        this.#kill(router);
        break;
      case "routerPause":
        this.#pause(router, pauseMsMax);
        break;
      case "drain":
        if (router.process.isUp && !router.process.isPaused) router.drain(worker);
        this.#drained.add(worker);
        this.#later(downMsMax, () => this.#kill(worker));
    }
  }

  #kill(one: FaultWorker | FaultRouter): void {
    if (!one.process.isUp) return;
    one.kill(this.#world.random.next() < this.#choices.silentDeath);
    this.#later(downMsMax, () => {
      if (!one.process.isUp) one.start();
    });
  }

  #pause({ process }: FaultWorker | FaultRouter, msMax: number): void {
    process.pause();
    const { life } = process;
    this.#later(msMax, () => {
      if (process.life === life) process.resume();
    });
  }

  /** Within so long, unless calm has been made before. */
  #later(msMax: number, deed: () => void): void {
    const { queue, random, now } = this.#world;
    queue.push(now() + random.next() * msMax, () => {
      if (!this.#isOver) deed();
    });
  }

  #any<T>(list: readonly T[]): T {
    return defined(list[this.#world.random.integer(0, list.length - 1)]);
  }
}
