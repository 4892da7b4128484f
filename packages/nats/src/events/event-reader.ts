// Follows the block events of one worker in one of its lives. It begins when the router knows the
// worker; first comes what the stream keeps, while live batches wait. From then on whatever is found
// missing is asked for: the worker answers with the batches, or with all that it holds. One question
// at a time, with growing waits after those that nobody answered.

import { randomBytes } from "node:crypto";

import { assert, sleep } from "@loci/core";
import type { Clock, KvEventBatch } from "@loci/core";

import type { Bus } from "../bus/bus.ts";
import type { Member } from "../members/member-table.ts";
import type { Subjects } from "../subjects.ts";
import { decodeBatch } from "../wire/kv-codec.ts";
import { decodeRepairPart, encodeQuestion, joinRepair } from "../wire/repair-codec.ts";
import type { Repair, RepairPart } from "../wire/repair-codec.ts";
import { nonceBytes } from "../wire/sealed-message.ts";
import type { Seal, SealedMessage } from "../wire/sealed-message.ts";
import { Reassembly } from "./reassembly.ts";
import type { InOrder } from "./reassembly.ts";
import type { Turns } from "./turns.ts";

export interface EventReaderParts {
  readonly bus: Bus;
  readonly seal: Seal;
  readonly subjects: Subjects;
  readonly clock: Clock;
  /** How many questions a router asks at once, over all workers. */
  readonly turns: Turns;
  readonly onward: InOrder;
  /** The router would take the worker's events now. */
  readonly isKnown: () => boolean;
}

/** A batch that overtook another is given so long to be overtaken itself. */
const patienceMs = 100;
/** How often it looks whether the router knows the worker by now. */
const unknownMs = 50;
const answerMsMax = 3000;
const retryMsMin = 250;
const retryMsMax = 2000;

export class EventReader {
  readonly #member: Member;
  readonly #parts: EventReaderParts;
  readonly #reassembly: Reassembly;
  #isReplaying = true;
  /** A question is planned or under way. */
  #isRepairing = false;
  #isClosed = false;
  #failures = 0;
  #stopTimer: () => void = () => undefined;

  constructor(member: Member, parts: EventReaderParts) {
    this.#member = member;
    this.#parts = parts;
    this.#reassembly = new Reassembly(parts.onward);
    this.#reassembly.announced(member.sequence);
    void this.#replay();
  }

  get epoch(): string {
    return this.#member.epoch;
  }

  batch(batch: KvEventBatch): void {
    if (this.#isClosed) return;
    this.#reassembly.batch(batch);
    this.#repairIfNeeded();
  }

  /** The worker says that it has told batches up to this one. */
  announced(sequence: number): void {
    this.#reassembly.announced(sequence);
    this.#repairIfNeeded();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
  }

  checkIntegrity(): void {
    this.#reassembly.checkIntegrity();
    const isUnderWay = this.#isReplaying || this.#isRepairing || this.#isClosed;
    assert(!this.#reassembly.hasGap || isUnderWay, "what is missing is being asked for");
  }

  async #replay(): Promise<void> {
    const { bus, seal, subjects, clock, isKnown } = this.#parts;
    while (!this.#isClosed && !isKnown()) await sleep(clock, unknownMs);
    const { workerId, epoch } = this.#member;
    const kept = await bus.replay(subjects.stream, subjects.events(workerId, epoch));
    for (const bytes of kept ?? []) {
      const message = seal.open(bytes);
      if (message?.kind !== "events" || !this.#isFromIt(message)) continue;
      const batch = decodeBatch(message.body);
      if (batch !== null && !this.#isClosed) this.#reassembly.batch(batch);
    }
    this.#isReplaying = false;
    this.#repairIfNeeded();
  }

  #repairIfNeeded(): void {
    const isUnderWay = this.#isReplaying || this.#isRepairing || this.#isClosed;
    if (isUnderWay || !this.#reassembly.hasGap) return;
    this.#isRepairing = true;
    const backoffMs = Math.min(retryMsMax, retryMsMin * 2 ** (this.#failures - 1));
    const waitMs = this.#failures === 0 ? patienceMs : backoffMs;
    this.#stopTimer = this.#parts.clock.after(waitMs, () => {
      void this.#repair();
    });
  }

  async #repair(): Promise<void> {
    if (this.#reassembly.hasGap) {
      const repair = await this.#parts.turns.take(() => this.#ask(this.#reassembly.passed));
      this.#failures = repair === null ? this.#failures + 1 : 0;
      if (repair !== null && !this.#isClosed) this.#reassembly.repair(repair);
    }
    this.#isRepairing = false;
    this.#repairIfNeeded();
  }

  async #ask(after: number): Promise<Repair | null> {
    const { bus, seal, subjects } = this.#parts;
    if (this.#isClosed) return null;
    const { workerId, epoch } = this.#member;
    const nonce = randomBytes(nonceBytes);
    const body = encodeQuestion(after);
    const question = seal.close({ kind: "question", workerId, epoch, count: 0, nonce, body });
    if (question === null) return null;
    const parts: RepairPart[] = [];
    await bus.ask(subjects.repair(workerId), question, {
      timeoutMs: answerMsMax,
      isEnough: (bytes) => {
        const message = seal.open(bytes);
        const isAnswer = message?.kind === "repair" && this.#isFromIt(message);
        if (!isAnswer || !nonce.equals(message.nonce)) return false;
        const part = decodeRepairPart(message.body);
        if (part !== null) parts.push(part);
        return part !== null && parts.length >= part.parts;
      },
    });
    return joinRepair(parts);
  }

  #isFromIt(message: SealedMessage): boolean {
    return message.workerId === this.#member.workerId && message.epoch === this.#member.epoch;
  }
}
