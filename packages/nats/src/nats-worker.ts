// The worker's side: who it is, several times a second; its load; its block events, which a stream
// keeps for those who come late; and answers to those who missed some. Everything is said and
// forgotten: while NATS is away nothing waits, and whoever listens asks for what it missed.

import { assert } from "@loci/core";
import type { Clock, KvEventBatch, WorkerLoad } from "@loci/core";
import type { WorkerFeed } from "@loci/cluster";

import type { NatsBus } from "./bus/nats-bus.ts";
import { RateBound } from "./rate-bound.ts";
import { checkedName, subjectsOf } from "./subjects.ts";
import type { Subjects } from "./subjects.ts";
import { encodeBatch } from "./wire/kv-codec.ts";
import { decodeQuestion, repairParts } from "./wire/repair-codec.ts";
import type { Repair } from "./wire/repair-codec.ts";
import { encodeReport } from "./wire/report-codec.ts";
import type { MemberRecord } from "./wire/report-codec.ts";
import { noNonce, Seal } from "./wire/sealed-message.ts";
import type { MessageKind, SealedMessage } from "./wire/sealed-message.ts";

export interface NatsWorkerOptions {
  /** Keeps clusters apart that share one NATS. */
  readonly cluster: string;
  /** The secret that routers and workers of the cluster share. */
  readonly clusterKey: string;
  /** Under which routers reach the worker. */
  readonly url: string;
}

export interface NatsWorkerParts {
  readonly bus: NatsBus;
  readonly feed: WorkerFeed;
  readonly clock: Clock;
}

/** Since the start. */
export interface NatsWorkerCounts {
  readonly batchesTold: number;
  /** While NATS was away, or too large for a message: routers ask for these. */
  readonly batchesUntold: number;
  readonly repairsAnswered: number;
  /** Questions without a valid seal, too many, or more than can be answered. */
  readonly questionsRefused: number;
}

export const heartbeatMs = 500;

const proofsPerSecondMax = 200;
const repairsPerSecondMax = 20;
const repairsUnderWayMax = 8;

export class NatsWorker {
  readonly #options: NatsWorkerOptions;
  readonly #parts: NatsWorkerParts;
  readonly #subjects: Subjects;
  readonly #seal: Seal;
  readonly #stops: (() => void)[] = [];
  readonly #proofs = new RateBound(proofsPerSecondMax);
  readonly #repairs = new RateBound(repairsPerSecondMax);
  readonly #counts = { batchesTold: 0, batchesUntold: 0, repairsAnswered: 0, questionsRefused: 0 };
  #state: MemberRecord["state"] = "up";
  #sequence: number;
  #count = 0;
  #repairsUnderWay = 0;
  #stopTimer: () => void = () => undefined;

  /**
   * Begins to tell.
   * @throws LociError config_invalid for an id or a cluster that cannot be told over NATS
   */
  constructor(options: NatsWorkerOptions, parts: NatsWorkerParts) {
    const { facts } = parts.feed;
    checkedName("worker id", facts.id);
    checkedName("worker's epoch", facts.epoch);
    this.#options = options;
    this.#parts = parts;
    this.#subjects = subjectsOf(options.cluster);
    this.#seal = new Seal(options.clusterKey, options.cluster);
    this.#sequence = parts.feed.snapshot().sequence;
    this.#listen();
    this.#beat();
  }

  counts(): NatsWorkerCounts {
    return { ...this.#counts };
  }

  /** Says good-bye and ends; the bus stays open. */
  async close(): Promise<void> {
    if (this.#state === "leaving") return;
    for (const stop of this.#stops) stop();
    this.#stopTimer();
    this.#state = "leaving";
    this.#announce();
    await this.#parts.bus.flush();
  }

  checkIntegrity(): void {
    assert(this.#repairsUnderWay >= 0, "no answer ends twice");
    assert(this.#repairsUnderWay <= repairsUnderWayMax, "few answers are under way");
  }

  #listen(): void {
    const { bus, feed } = this.#parts;
    const { id } = feed.facts;
    this.#stops.push(
      feed.listen({
        onBatch: (batch) => this.#tellBatch(batch),
        onLoad: (load) => this.#tellLoad(load),
        onDrain: () => {
          this.#state = "draining";
          this.#announce();
        },
      }),
      bus.subscribe(this.#subjects.prove(id), (bytes, reply) => this.#prove(bytes, reply)),
      bus.subscribe(this.#subjects.repair(id), (bytes, reply) => this.#answer(bytes, reply)),
      bus.listen((isUp) => {
        if (isUp) this.#connected();
      }),
    );
    if (bus.isUp) this.#connected();
  }

  #connected(): void {
    const { stream, allEvents } = this.#subjects;
    void this.#parts.bus.ensureStream({ name: stream, subjects: [allEvents] });
    this.#announce();
  }

  #beat(): void {
    this.#announce();
    this.#stopTimer = this.#parts.clock.after(heartbeatMs, () => this.#beat());
  }

  #announce(): void {
    const bytes = this.#sealed("member", this.#memberBody(), noNonce);
    if (bytes !== null) this.#parts.bus.publish(this.#subjects.member(this.#id), bytes);
  }

  #tellBatch(batch: KvEventBatch): void {
    this.#sequence = batch.sequence;
    const { bus, feed } = this.#parts;
    const bytes = this.#sealed("events", encodeBatch(batch), noNonce);
    const subject = this.#subjects.events(this.#id, feed.facts.epoch);
    if (bytes !== null && bus.publish(subject, bytes)) this.#counts.batchesTold += 1;
    else this.#counts.batchesUntold += 1;
  }

  #tellLoad(load: WorkerLoad): void {
    const bytes = this.#sealed("load", encodeReport(load), noNonce);
    if (bytes !== null) this.#parts.bus.publish(this.#subjects.load(this.#id), bytes);
  }

  #prove(bytes: Uint8Array, reply: string | null): void {
    const question = this.#readQuestion(bytes, this.#proofs);
    if (question === null || reply === null) return;
    const answer = this.#sealed("member", this.#memberBody(), question.nonce);
    if (answer !== null) this.#parts.bus.publish(reply, answer);
  }

  #answer(bytes: Uint8Array, reply: string | null): void {
    if (this.#repairsUnderWay >= repairsUnderWayMax) {
      this.#counts.questionsRefused += 1;
      return;
    }
    const message = this.#readQuestion(bytes, this.#repairs);
    const after = message && decodeQuestion(message.body);
    if (message === null || after === null || reply === null) return;
    this.#repairsUnderWay += 1;
    void this.#sendRepair(after, message.nonce, reply).finally(() => {
      this.#repairsUnderWay -= 1;
    });
  }

  /** Part after part, each when the one before has gone out. */
  async #sendRepair(after: number, nonce: Uint8Array, reply: string): Promise<void> {
    const { bus } = this.#parts;
    const answer = repairParts(this.#repairAfter(after));
    if (answer === null) {
      this.#counts.questionsRefused += 1;
      return;
    }
    for (let part = 0; part < answer.parts; part++) {
      const bytes = this.#sealed("repair", answer.encode(part), nonce);
      if (bytes === null || !bus.publish(reply, bytes)) return;
      await bus.flush();
    }
    this.#counts.repairsAnswered += 1;
  }

  #repairAfter(after: number): Repair {
    const { feed } = this.#parts;
    const batches = feed.since(after);
    const isKept = batches !== null && repairParts({ form: "batches", batches }) !== null;
    return isKept ? { form: "batches", batches } : { form: "snapshot", snapshot: feed.snapshot() };
  }

  #readQuestion(bytes: Uint8Array, bound: RateBound): SealedMessage | null {
    const message = this.#seal.open(bytes);
    const isForUs = message?.kind === "question" && message.workerId === this.#id;
    if (isForUs && bound.take(this.#parts.clock.nowMs())) return message;
    this.#counts.questionsRefused += 1;
    return null;
  }

  #memberBody(): Uint8Array {
    const { url } = this.#options;
    return encodeReport({ url, state: this.#state, sequence: this.#sequence });
  }

  #sealed(kind: MessageKind, body: Uint8Array, nonce: Uint8Array): Uint8Array | null {
    this.#count += 1;
    const { epoch } = this.#parts.feed.facts;
    return this.#seal.close({ kind, workerId: this.#id, epoch, count: this.#count, nonce, body });
  }

  get #id(): string {
    return this.#parts.feed.facts.id;
  }
}
