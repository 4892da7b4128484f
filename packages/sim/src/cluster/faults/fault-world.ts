// A random small cluster in which everything fails that can: workers and routers die, stand still and
// come back, links are cut, datagrams are lost, repeated and late. What must hold is checked as it
// happens; the first thing that does not, throws.
//
//   trouble (requests come, faults happen) ──▶ calm (all is repaired) ──▶ quiet (nobody asks)
//
// Every client gets each token of its answer once and in order, or an error after a part of it, and
// ends once. In the end nothing is left of any request, and routers know what workers hold.

import { assert, blockNames, Random } from "@loci/core";
import type { BlockName, GenerationRequest } from "@loci/core";
import { EventDigest } from "../../run/event-digest.ts";
import { TimeQueue } from "../../run/time-queue.ts";
import { lonelyRun } from "../../seeds/lonely-run.ts";
import { makeRequest } from "../../seeds/seed-requests.ts";
import { Calamities } from "./calamities.ts";
import { FaultClient } from "./fault-client.ts";
import { faultChoices } from "./fault-choices.ts";
import type { FaultChoices } from "./fault-choices.ts";
import { FaultRouter } from "./fault-router.ts";
import { FaultWorker } from "./fault-worker.ts";
import type { FaultSabotage } from "./fault-world-parts.ts";
import { WorldNetwork } from "./world-network.ts";
import type { Deed } from "./world-process.ts";

/** What a world went through. */
export interface FaultCounts {
  requests: number;
  finished: number;
  cancelled: number;
  failed: number;
  /** Tries that were begun anew because their router died. */
  newTries: number;
  tokens: number;
  moves: number;
  retries: number;
  quarantined: number;
  snapshots: number;
  deaths: number;
  calamities: number;
  virtualSeconds: number;
}

/** After its last fault a cluster has so long to end all requests: the slowest has 40 of 30 tokens. */
const calmMsMax = 900_000;
/** And after the last request so long until routers know what workers hold. */
const convergenceMs = 5000;
/** A client whose router is gone asks again after so long at most. */
const tryAgainMsMax = 500;
const deedsMax = 2_000_000;

export class FaultWorld {
  readonly choices: FaultChoices;
  readonly counts: FaultCounts = emptyCounts();
  readonly #random: Random;
  readonly #queue = new TimeQueue<Deed>();
  readonly #network: WorldNetwork;
  readonly #routers: FaultRouter[] = [];
  readonly #workers: FaultWorker[] = [];
  readonly #clients: FaultClient[] = [];
  readonly #histories: number[][] = [];
  readonly #digest = new EventDigest();
  readonly #calamities: Calamities;
  #nowMs = 0;
  #deeds = 0;

  constructor(seed: number, sabotage: FaultSabotage = "none") {
    this.choices = faultChoices(seed);
    const { workers, routers, delayMs, network: faults } = this.choices;
    this.#random = new Random(seed);
    const now = (): number => this.#nowMs;
    const shared = { queue: this.#queue, random: this.#random, now };
    this.#network = new WorldNetwork({ ...shared, delayMs, faults });
    const world = {
      ...shared,
      sabotage,
      network: this.#network,
      routers: this.#routers,
      workers: this.#workers,
      routerDied: this.#routerDied.bind(this),
    };
    for (let index = 0; index < workers; index++) {
      this.#workers.push(new FaultWorker(index, this.choices, world));
    }
    for (let index = 0; index < routers; index++) {
      this.#routers.push(new FaultRouter(index, this.choices, world));
    }
    this.#calamities = new Calamities(this.choices, world);
  }

  /** What happened so far, one thing after the other. */
  get turns(): number {
    return this.#deeds;
  }

  /** A hash of how requests ended, and when. */
  get digest(): string {
    return this.#digest.value;
  }

  /** From the first request until all is quiet. Throws at the first broken promise. */
  run(): void {
    for (const worker of this.#workers) worker.start();
    for (const router of this.#routers) router.start();
    this.#planArrival();
    this.#calamities.begin();
    this.#runUntil(() => this.#clients.length === this.choices.requests, Infinity);
    this.#calamities.end();
    const calmAtMs = this.#nowMs;
    const isOver = (): boolean => this.#clients.every(({ end }) => end !== null);
    this.#runUntil(isOver, calmAtMs + calmMsMax);
    assert(isOver(), `everybody ends within ${calmMsMax / 1000} s of calm`);
    const quietAtMs = this.#nowMs;
    this.#runUntil(() => false, quietAtMs + convergenceMs);
    for (const router of this.#routers) router.checkIdle();
    for (const worker of this.#workers) worker.checkIdle();
    this.#checkConverged();
    this.#count();
  }

  #runUntil(isDone: () => boolean, untilMs: number): void {
    while (!isDone() && this.#queue.nextMs <= untilMs) {
      assert(this.#deeds++ < deedsMax, "the world comes to an end");
      this.#nowMs = this.#queue.nextMs;
      this.#queue.pop()?.();
    }
    if (untilMs < Infinity && !isDone()) this.#nowMs = untilMs;
  }

  #planArrival(): void {
    const waitMs = this.#random.integer(0, 2 * this.choices.gapMs);
    this.#queue.push(this.#nowMs + waitMs, () => {
      this.#arrive();
      if (this.#clients.length < this.choices.requests) this.#planArrival();
    });
  }

  #arrive(): void {
    const { limits, cancelChance } = this.choices;
    const { contextTokensMax, blockTokens, blockCount, vocabularySize } = limits;
    const request = makeRequest(`r${this.#clients.length}`, {
      random: this.#random,
      histories: this.#histories,
      contextTokensMax: Math.min(contextTokensMax, blockTokens * blockCount),
      vocabularySize,
    });
    const client = new FaultClient(request, lonelyRun(request, limits));
    this.#clients.push(client);
    this.#ask(client);
    if (this.#random.next() >= cancelChance) return;
    this.#queue.push(this.#nowMs + this.#random.integer(0, 5000), () => this.#leave(client));
  }

  #leave(client: FaultClient): void {
    if (client.end !== null) return;
    client.leave();
    const { router } = client;
    router?.process.run(router.process.life, () => router.left(client));
  }

  /** At any router that is up; again later when none is. */
  #ask(client: FaultClient): void {
    if (client.end !== null) return;
    const up = this.#routers.filter(({ process }) => process.isUp);
    const router = up[this.#random.integer(0, Math.max(0, up.length - 1))];
    if (router === undefined) {
      this.#askLater(client);
      return;
    }
    client.router = router;
    router.process.run(router.process.life, () => {
      // It may have left while its request waited to be read.
      if (client.end === null) router.ask(client);
    });
  }

  #askLater(client: FaultClient): void {
    const waitMs = this.#random.integer(1, tryAgainMsMax);
    this.#queue.push(this.#nowMs + waitMs, () => this.#ask(client));
  }

  /** Its clients' connections break: they ask again, from the first token. */
  #routerDied(router: FaultRouter): void {
    for (const client of this.#clients) {
      if (client.router !== router || client.end !== null) continue;
      client.router = null;
      client.tryAgain();
      this.#askLater(client);
    }
  }

  /**
   * Asks each router for prompts as if they came, and compares what it believes of each worker with
   * what that worker holds. A question makes the router expect the prompt where it sends it, so a
   * worker that was sent one that begins alike is not compared again.
   */
  #checkConverged(): void {
    const held = new Map(this.#workers.map((worker) => [worker.id, heldBy(worker)]));
    for (const router of this.#routers) {
      const expected = new Set<string>();
      for (const { request } of this.#clients) {
        const { candidates, workerId } = router.probe(request, this.#nowMs);
        const names = namesOf(request, this.choices.limits.blockTokens);
        const first = names[0];
        if (first === undefined) continue;
        for (const { workerId: id, cachedTokens } of candidates) {
          if (expected.has(`${id} ${first}`)) continue;
          const holds = names.filter((name) => held.get(id)?.has(name)).length;
          const tokens = holds * this.choices.limits.blockTokens;
          const known = cachedTokens.device;
          assert(
            known === tokens,
            `${router.process.name} believes in ${known} tokens of ${request.id} at ${id}, not ${tokens}`,
          );
        }
        expected.add(`${workerId} ${first}`);
      }
    }
  }

  #count(): void {
    const { counts } = this;
    this.#digest.addNumber(this.#nowMs);
    this.#digest.add(this.#deeds);
    counts.calamities = this.#calamities.count;
    counts.virtualSeconds = this.#nowMs / 1000;
    for (const { counts: routed } of this.#routers) {
      counts.moves += routed.moves;
      counts.retries += routed.retries;
      counts.quarantined += routed.quarantined;
      counts.snapshots += routed.snapshotsWanted;
      counts.deaths += routed.workerDeaths;
    }
    for (const { end, tokens, tries } of this.#clients) {
      this.#digest.addText(end ?? "");
      this.#digest.add(tokens);
      counts.requests++;
      counts.newTries += tries - 1;
      counts.tokens += tokens;
      if (end === "stop" || end === "length") counts.finished++;
      else if (end === "cancelled") counts.cancelled++;
      else counts.failed++;
    }
  }
}

function namesOf(request: GenerationRequest, blockTokens: number): BlockName[] {
  return [...blockNames(request.tenant, request.promptTokens, blockTokens)];
}

function heldBy(worker: FaultWorker): Set<BlockName> {
  return new Set(worker.snapshot.held.flatMap(({ blocks }) => [...blocks]));
}

function emptyCounts(): FaultCounts {
  return {
    requests: 0,
    finished: 0,
    cancelled: 0,
    failed: 0,
    newTries: 0,
    tokens: 0,
    moves: 0,
    retries: 0,
    quarantined: 0,
    snapshots: 0,
    deaths: 0,
    calamities: 0,
    virtualSeconds: 0,
  };
}
