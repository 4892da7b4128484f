// A random small world around the real engine: clients that come, leave and share prefixes, a device
// and memories that are slow and fail, a process that restarts. After every turn everything that must
// hold is checked; the first thing that does not, throws.
//
// The device keeps token ids and hashes in place of keys and values (HashRunner), so a block that was
// lost, mixed up or served too early shows as a wrong token.

import { assert, defined, LociError, Random } from "@loci/core";
import { Engine, HashMover, HashRunner, plainHasher, WildPredictor } from "@loci/engine";
import type { EngineParts, MoveOrder, StepBatch, StepResult } from "@loci/engine";
import { EventDigest } from "../run/event-digest.ts";
import { AnswerBook } from "../run/answer-book.ts";
import { oracleOf } from "../run/oracle.ts";
import { TimeQueue } from "../run/time-queue.ts";
import { ClientView } from "./client-view.ts";
import { lonelyRun } from "./lonely-run.ts";
import { choicesOf, seedAnswers } from "./seed-choices.ts";
import type { SeedChoices } from "./seed-choices.ts";
import { makeRequest } from "./seed-requests.ts";

type Happening =
  | { readonly kind: "arrival" }
  | { readonly kind: "cancel"; readonly id: string }
  | { readonly kind: "step"; readonly step: PendingStep; readonly life: number }
  | { readonly kind: "move"; readonly order: MoveOrder; readonly life: number };

interface PendingStep {
  readonly batch: StepBatch;
  /** Computed as soon as it was planned; null = when it ends, after moves that end before. */
  readonly early: StepResult | null;
}

/** What a world went through; a test sees from it that its seeds reach what they are meant to. */
export interface SeedCounts {
  turns: number;
  steps: number;
  requests: number;
  finished: number;
  cancelled: number;
  refused: number;
  failed: number;
  lost: number;
  tokens: number;
  preemptions: number;
  cachedTokens: number;
  restoredTokens: number;
  failedSteps: number;
  restarts: number;
}

/** A deliberate mistake of the world, for tests of its own eyes. */
export type Sabotage = "none" | "swap-block" | "lose-event";

/** How a request may be refused. */
const refusals: ReadonlySet<string> = new Set(["queue_full", "deadline_unmet"]);

/** Turns without any bound would hide an engine that goes round in circles. */
const turnsMax = 50_000;

export class SeedWorld {
  readonly choices: SeedChoices;
  readonly counts: SeedCounts = emptyCounts();
  readonly #random: Random;
  readonly #queue = new TimeQueue<Happening>();
  readonly #clients = new Map<string, ClientView>();
  readonly #histories: number[][] = [];
  readonly #digest = new EventDigest();
  readonly #mover: HashMover;
  readonly #sabotage: Sabotage;
  readonly #answers = new AnswerBook();
  #runner: HashRunner;
  #engine: Engine;
  #nowMs = 0;
  #life = 0;
  #stepInFlight = false;
  #arrivals = 0;
  #calm = false;

  constructor(seed: number, sabotage: Sabotage = "none") {
    this.choices = choicesOf(seed);
    this.#random = new Random(seed);
    this.#sabotage = sabotage;
    this.#runner = this.#makeRunner();
    this.#mover = new HashMover(this.#runner, {
      tiers: this.choices.tiers,
      msPerBlock: this.choices.moveMsMax / 10,
      fails: () => this.#chance(this.choices.faults.move),
    });
    this.#engine = this.#makeEngine();
  }

  get turns(): number {
    return this.counts.turns;
  }

  /** A hash of all that happened. */
  get digest(): string {
    return this.#digest.value;
  }

  /** From the first request until everything has ended. Throws at the first broken promise. */
  run(): void {
    this.#queue.push(0, { kind: "arrival" });
    while (!this.#isOver()) {
      assert(this.counts.turns++ < turnsMax, "the world comes to an end");
      this.#turn();
      this.#check();
    }
    this.#engine.clearCache();
    this.#settle();
    this.#check();
    const { kvBlocksFree, kvBlocksTotal } = this.#engine.snapshot();
    assert(kvBlocksFree === kvBlocksTotal, "in the end every block is free");
    this.#count();
  }

  /** All that happens at one time, then what the engine makes of it. */
  #turn(): void {
    if (this.#queue.size > 0) {
      this.#nowMs = Math.max(this.#nowMs, this.#queue.nextMs);
      while (this.#queue.nextMs <= this.#nowMs) this.#happen(defined(this.#queue.pop()));
    }
    if (this.#chance(this.choices.faults.restart)) this.#restart();
    if (!this.#stepInFlight) this.#schedule();
    this.#deliver();
  }

  #happen(happening: Happening): void {
    switch (happening.kind) {
      case "arrival":
        this.#arrive();
        break;
      case "cancel":
        this.#cancel(happening.id);
        break;
      case "step":
        if (happening.life === this.#life) this.#endStep(happening.step);
        break;
      case "move": {
        if (happening.life !== this.#life) break;
        const outcome = this.#mover.end(happening.order.id);
        if (outcome !== null) this.#engine.moved(outcome);
        break;
      }
    }
  }

  #arrive(): void {
    const { requests, gapMs, limits } = this.choices;
    const id = `r${this.#arrivals}`;
    this.#arrivals++;
    if (this.#arrivals < requests) {
      const waitMs = this.#random.integer(0, 2 * gapMs);
      this.#queue.push(this.#nowMs + waitMs, { kind: "arrival" });
    }
    const request = makeRequest(id, {
      random: this.#random,
      histories: this.#histories,
      contextTokensMax: this.#engine.contextTokensMax,
      vocabularySize: limits.vocabularySize,
    });
    this.counts.requests++;
    const answer = lonelyRun(request, limits);
    this.#answers.tell(request.promptTokens, answer.tokens.length);
    try {
      this.#engine.submit(request, this.#nowMs);
    } catch (error) {
      if (!(error instanceof LociError) || !refusals.has(error.code)) throw error;
      assert((error.retryAfterSeconds ?? 0) > 0, "who is refused knows when to come back");
      this.counts.refused++;
      return;
    }
    const client = new ClientView(request, answer);
    for (const other of this.#live()) {
      client.companyTokens += other.workTokens;
      other.companyTokens += client.workTokens;
    }
    this.#clients.set(id, client);
    this.#maybeLeave(id);
  }

  /** A client may leave at once, or at any time later. */
  #maybeLeave(id: string): void {
    if (!this.#chance(this.choices.faults.cancel)) return;
    const laterMs = this.#random.integer(0, 1) * this.#random.integer(0, 200);
    this.#queue.push(this.#nowMs + laterMs, { kind: "cancel", id });
  }

  #cancel(id: string): void {
    const client = this.#clients.get(id);
    if (client !== undefined) client.cancelled = true;
    this.#engine.cancel(id, this.#nowMs);
  }

  #schedule(): void {
    const batch = this.#engine.schedule(this.#nowMs);
    this.#order();
    if (batch === null) return;
    const { length } = batch.slices;
    assert(length > 0 && length <= this.choices.limits.stepSlicesMax, "a step keeps its bound");
    const [perStep, perToken] = this.choices.costMs;
    const tokens = batch.slices.reduce((sum, slice) => sum + slice.tokens.length, 0);
    const early = this.#random.integer(0, 1) === 0 ? this.#compute(batch) : null;
    this.#stepInFlight = true;
    const happening = { kind: "step", step: { batch, early }, life: this.#life } as const;
    this.#queue.push(this.#nowMs + perStep + perToken * tokens, happening);
  }

  /** Hands orders over; each ends at a time of its own. */
  #order(): void {
    for (const order of this.#engine.takeOrders()) {
      this.#mover.submit(order);
      const endMs = this.#nowMs + this.#random.next() * this.choices.moveMsMax;
      this.#queue.push(endMs, { kind: "move", order, life: this.#life });
    }
  }

  #endStep({ batch, early }: PendingStep): void {
    this.#stepInFlight = false;
    this.counts.steps++;
    for (const client of this.#live()) client.countStep();
    if (this.#chance(this.choices.faults.step)) {
      // Half of the failures come after the device has written.
      if (early === null && this.#random.integer(0, 1) === 0) this.#compute(batch);
      this.counts.failedSteps++;
      this.#engine.fail(new LociError("unavailable", "The device failed."), this.#nowMs);
      return;
    }
    this.#engine.commit(early ?? this.#compute(batch), this.#nowMs);
  }

  #compute(batch: StepBatch): StepResult {
    if (this.#sabotage === "swap-block") {
      const [one, other] = [this.#runner.readBlock(0), this.#runner.readBlock(1)];
      this.#runner.writeBlock(0, other);
      this.#runner.writeBlock(1, one);
    }
    const result = this.#runner.run(batch);
    for (const outcome of this.#mover.takeEnded()) this.#engine.moved(outcome);
    return result;
  }

  /** The process ends, and starts again with what is durable. */
  #restart(): void {
    for (const client of this.#live()) client.end = "lost";
    this.#count();
    this.counts.restarts++;
    this.#life++;
    this.#stepInFlight = false;
    this.#runner = this.#makeRunner();
    this.#mover.restart(this.#runner);
    this.#engine = this.#makeEngine();
    this.#engine.adopt(this.#mover.recovered());
  }

  #deliver(): void {
    const events = this.#engine.takeEvents();
    if (this.#sabotage === "lose-event" && this.counts.turns % 16 === 0) events.shift();
    for (const entry of events) {
      const client = defined(this.#clients.get(entry.requestId), "events go to known clients");
      client.take(entry);
      this.#note(entry.requestId, client);
      if (client.end !== null) this.#histories.push(client.history);
      else this.#maybeLeave(entry.requestId);
    }
  }

  #note(id: string, client: ClientView): void {
    this.#digest.addText(id);
    this.#digest.addNumber(this.#nowMs);
    this.#digest.add(client.tokens);
    this.#digest.addText(client.end ?? "");
  }

  /** What holds at every moment. */
  #check(): void {
    this.#engine.checkIntegrity();
    const { sequencesMax, queueRequestsMax } = this.#engine.options;
    const facts = this.#engine.snapshot();
    assert(facts.requestsRunning <= sequencesMax, "the batch keeps its bound");
    // Who was preempted waits again, without having been let in anew.
    assert(facts.requestsWaiting <= queueRequestsMax + sequencesMax, "the queue keeps its bound");
    const held = facts.requestsRunning + facts.requestsWaiting;
    let live = 0;
    for (const client of this.#clients.values()) if (client.end === null) live++;
    assert(held === live, `${held} requests in the engine, ${live} clients that wait`);
  }

  /** Lets all moves end, with nothing else to do. */
  #settle(): void {
    for (let turns = 0; !this.#engine.isSettled || this.#engine.hasMoves; turns++) {
      assert(turns < turnsMax, "moves come to an end");
      this.#order();
      for (const { id } of this.#mover.pending) {
        const outcome = this.#mover.end(id);
        if (outcome !== null) this.#engine.moved(outcome);
      }
      assert(this.#engine.schedule(this.#nowMs) === null, "nobody is there");
    }
  }

  #isOver(): boolean {
    if (this.#arrivals < this.choices.requests || !this.#engine.isIdle) return false;
    this.#calm = true;
    return this.#queue.size === 0;
  }

  #count(): void {
    const { counts } = this;
    for (const [id, { end, tokens }] of this.#clients) {
      assert(end !== null, `${id} has ended`);
      counts.tokens += tokens;
      if (end === "stop" || end === "length") counts.finished++;
      else if (end === "cancelled") counts.cancelled++;
      else if (end === "lost") counts.lost++;
      else counts.failed++;
    }
    this.#clients.clear();
    const { preemptions, cachedTokens, kvTiers = [] } = this.#engine.snapshot();
    counts.preemptions += preemptions;
    counts.cachedTokens += cachedTokens;
    for (const { restoredTokens } of kvTiers) counts.restoredTokens += restoredTokens;
  }

  *#live(): Generator<ClientView> {
    for (const client of this.#clients.values()) if (client.end === null) yield client;
  }

  #chance(chance: number): boolean {
    return !this.#calm && chance > 0 && this.#random.next() < chance;
  }

  #makeRunner(): HashRunner {
    return new HashRunner({
      ...this.choices.limits,
      costMs: this.choices.costMs,
      ...seedAnswers,
    });
  }

  #lengths(): Pick<EngineParts, "lengths"> {
    const { predictor } = this.choices;
    if (predictor === "none") return {};
    if (predictor === "wild") return { lengths: new WildPredictor(this.#random) };
    return { lengths: oracleOf(this.#answers) };
  }

  #makeEngine(): Engine {
    const { limits, options, tiers } = this.choices;
    return new Engine({
      limits,
      tokenText: this.#runner,
      options,
      ...this.#lengths(),
      ...(tiers.length > 0 && { tiers: { tiers, hasher: plainHasher, blockBytes: 1000 } }),
    });
  }
}

function emptyCounts(): SeedCounts {
  return {
    turns: 0,
    steps: 0,
    requests: 0,
    finished: 0,
    cancelled: 0,
    refused: 0,
    failed: 0,
    lost: 0,
    tokens: 0,
    preemptions: 0,
    cachedTokens: 0,
    restoredTokens: 0,
    failedSteps: 0,
    restarts: 0,
  };
}
