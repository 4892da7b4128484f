// The router's side: who is there, how each does, and what each holds. It is a directory like any
// other, and a second way for what workers tell, besides their own connections: whoever receives it
// can tell both apart by epoch and sequence number. When NATS is away nothing happens: members stay,
// their own connections go on, and what was missed is asked for afterwards.

import { randomBytes } from "node:crypto";

import { assert, LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import type {
  AddressPolicy,
  DirectoryListener,
  WorkerAddress,
  WorkerDirectory,
  WorkerSink,
  WorkerVoice,
} from "@loci/cluster";

import type { Bus } from "./bus/bus.ts";
import { EventReader } from "./events/event-reader.ts";
import { Turns } from "./events/turns.ts";
import { MemberTable } from "./members/member-table.ts";
import type { Member, MemberChange } from "./members/member-table.ts";
import { RateBound } from "./rate-bound.ts";
import { subjectsOf } from "./subjects.ts";
import type { Subjects } from "./subjects.ts";
import { decodeBatch } from "./wire/kv-codec.ts";
import { decodeLoad, decodeMember } from "./wire/report-codec.ts";
import { nonceBytes, Seal } from "./wire/sealed-message.ts";
import type { MessageKind, SealedMessage } from "./wire/sealed-message.ts";

export interface NatsDirectoryOptions {
  /** Keeps clusters apart that share one NATS. */
  readonly cluster: string;
  /** The secret that routers and workers of the cluster share. */
  readonly clusterKey: string;
  /** Where workers that announce themselves may be. */
  readonly policy: AddressPolicy;
  /**
   * A member of which NATS carried no word for so long has left. Default 60 s; a server that stands
   * still is noticed within 7 s, so less makes everybody leave then.
   */
  readonly silentMsMax?: number;
  /** Default 256. */
  readonly membersMax?: number;
  /** Members that are heard directly stay, however silent over NATS. */
  readonly isHeardDirectly?: (workerId: string) => boolean;
}

export interface NatsDirectoryParts {
  readonly bus: Bus;
  readonly clock: Clock;
}

/** Takes what is heard. */
export interface NatsListener {
  readonly sink: WorkerSink;
  /** Whether the sink would take the worker's events now: a router first has to know it. */
  readonly isKnown: (voice: WorkerVoice) => boolean;
}

/** Since the start. */
export interface NatsDirectoryCounts {
  readonly members: number;
  /** Messages that no holder of the key has sealed, or that are malformed. */
  readonly refused: number;
  /** Heartbeats and reports that were heard before. */
  readonly repeated: number;
  /** Announcements of addresses where no worker may be. */
  readonly addressesRefused: number;
}

const silentMsDefault = 60_000;
const membersDefault = 256;
const expireEveryMs = 1000;
const proofMsMax = 2000;
const proofsPerSecondMax = 100;
const questionsAtOnceMax = 4;

export class NatsDirectory implements WorkerDirectory {
  readonly #options: NatsDirectoryOptions;
  readonly #parts: NatsDirectoryParts;
  readonly #subjects: Subjects;
  readonly #seal: Seal;
  readonly #turns = new Turns(questionsAtOnceMax);
  readonly #proofs = new RateBound(proofsPerSecondMax);
  readonly #readers = new Map<string, EventReader>();
  /** Number of the last load report of each member. */
  readonly #reportCounts = new Map<string, number>();
  readonly #counts = { refused: 0, repeated: 0 };
  /** Members at each address; more than one only where somebody configured it so. */
  readonly #atAddress = new Map<string, number>();
  #table: MemberTable;
  #hearer: NatsListener | null = null;
  #listener: DirectoryListener | null = null;
  #stopTimer: () => void = () => undefined;

  /** @throws LociError config_invalid for a cluster's name that cannot be used */
  constructor(options: NatsDirectoryOptions, parts: NatsDirectoryParts) {
    this.#options = options;
    this.#parts = parts;
    this.#subjects = subjectsOf(options.cluster);
    this.#seal = new Seal(options.clusterKey, options.cluster);
    this.#table = this.#emptyTable();
  }

  watch(listener: DirectoryListener): () => void {
    assert(this.#listener === null, "one listener at a time");
    this.#listener = listener;
    const { bus } = this.#parts;
    const { allMembers, allLoads, allEvents } = this.#subjects;
    const stops = [
      bus.subscribe(allEvents, (bytes) => this.#onEvents(bytes)),
      bus.subscribe(allLoads, (bytes) => this.#onLoad(bytes)),
      bus.subscribe(allMembers, (bytes) => this.#onMember(bytes)),
      bus.listen((isUp) => {
        if (isUp) this.#excuseAll();
      }),
    ];
    this.#expireLater();
    return () => {
      for (const stop of stops) stop();
      this.#stop();
    };
  }

  /** Who takes what members tell of their load and blocks; nobody hears of it before. */
  tellTo(listener: NatsListener): void {
    this.#hearer = listener;
  }

  counts(): NatsDirectoryCounts {
    return {
      members: this.#table.members.length,
      ...this.#counts,
      addressesRefused: this.#table.addressesRefused,
    };
  }

  checkIntegrity(): void {
    this.#table.checkIntegrity();
    const members = this.#table.members;
    assert(this.#readers.size === members.length, "every member's events are followed");
    const atAddresses = [...this.#atAddress.values()].reduce((sum, count) => sum + count, 0);
    assert(atAddresses === members.length, "every member has an address");
    for (const { workerId, epoch } of members) {
      assert(this.#readers.get(workerId)?.epoch === epoch, "in its present life");
    }
    for (const reader of this.#readers.values()) reader.checkIntegrity();
  }

  #onMember(bytes: Uint8Array): void {
    const message = this.#open(bytes, "member");
    const record = message && decodeMember(message.body);
    if (message === null || record === null) return;
    const hearing = this.#table.heard(message, record, this.#nowMs());
    if (hearing.kind === "known") this.#apply(hearing.changes);
    else if (hearing.kind === "unproven") void this.#askProof(message.workerId);
    else this.#counts.repeated += 1;
  }

  /** Whoever answers with the question's nonce has the key now, not only had it once. */
  async #askProof(workerId: string): Promise<void> {
    const { bus } = this.#parts;
    if (!this.#proofs.take(this.#nowMs())) return;
    const nonce = randomBytes(nonceBytes);
    const body = new Uint8Array(0);
    const question = this.#seal.close({
      kind: "question",
      workerId,
      epoch: "",
      count: 0,
      nonce,
      body,
    });
    if (question === null) return;
    let proof: SealedMessage | null = null;
    await bus.ask(this.#subjects.prove(workerId), question, {
      timeoutMs: proofMsMax,
      isEnough: (answer) => {
        const message = this.#open(answer, "member");
        const isProof = message?.workerId === workerId && nonce.equals(message.nonce);
        if (isProof) proof = message;
        return isProof;
      },
    });
    this.#onProof(proof);
  }

  #onProof(proof: SealedMessage | null): void {
    const record = proof && decodeMember(proof.body);
    if (proof === null || record === null || this.#listener === null) return;
    this.#apply(this.#table.proved(proof, record, this.#nowMs()));
  }

  #onEvents(bytes: Uint8Array): void {
    const message = this.#open(bytes, "events");
    const reader = message && this.#readers.get(message.workerId);
    // Of one who has not joined yet: its reader will begin with what the stream keeps.
    if (message === null || !reader || reader.epoch !== message.epoch) return;
    const batch = decodeBatch(message.body);
    if (batch === null) this.#counts.refused += 1;
    else reader.batch(batch);
  }

  #onLoad(bytes: Uint8Array): void {
    const message = this.#open(bytes, "load");
    const member = message && this.#table.find(message.workerId);
    if (message === null || member?.epoch !== message.epoch) return;
    if (message.count <= (this.#reportCounts.get(member.workerId) ?? 0)) {
      this.#counts.repeated += 1;
      return;
    }
    const load = decodeLoad(message.body);
    if (load === null) {
      this.#counts.refused += 1;
      return;
    }
    this.#reportCounts.set(member.workerId, message.count);
    this.#hearer?.sink.report(voiceOf(member), load, null);
  }

  #apply(changes: readonly MemberChange[]): void {
    const before = new Set(this.#atAddress.keys());
    const moved = changes
      .filter(({ type }) => type !== "heard")
      .map(({ member }) => member.address);
    for (const { type, member } of changes) {
      if (type === "joined") this.#follow(member);
      if (type === "left") this.#forget(member);
      if (type === "heard") this.#onHeard(member);
    }
    // Who only restarted has not left its address.
    for (const address of new Map(moved.map((each) => [each.url, each])).values()) {
      const isThere = this.#atAddress.has(address.url);
      if (isThere && !before.has(address.url)) this.#listener?.onJoin(address);
      if (!isThere && before.has(address.url)) this.#listener?.onLeave(address.url);
    }
  }

  #onHeard(member: Member): void {
    this.#readers.get(member.workerId)?.announced(member.sequence);
    const voice = voiceOf(member);
    this.#hearer?.sink.heard(voice);
    if (member.isDraining) this.#hearer?.sink.draining(voice);
  }

  #follow(member: Member): void {
    const { bus, clock } = this.#parts;
    const voice = voiceOf(member);
    const { url } = member.address;
    this.#atAddress.set(url, (this.#atAddress.get(url) ?? 0) + 1);
    const reader = new EventReader(member, {
      bus,
      clock,
      seal: this.#seal,
      subjects: this.#subjects,
      turns: this.#turns,
      onward: {
        batch: (batch) => this.#hearer?.sink.events(voice, batch),
        snapshot: (snapshot) => this.#hearer?.sink.snapshot(voice, snapshot),
      },
      isKnown: () => this.#hearer?.isKnown(voice) === true,
    });
    this.#readers.set(member.workerId, reader);
  }

  #forget(member: Member): void {
    const { url } = member.address;
    const others = (this.#atAddress.get(url) ?? 0) - 1;
    if (others > 0) this.#atAddress.set(url, others);
    else this.#atAddress.delete(url);
    this.#readers.get(member.workerId)?.close();
    this.#readers.delete(member.workerId);
    this.#reportCounts.delete(member.workerId);
  }

  #expireLater(): void {
    this.#stopTimer = this.#parts.clock.after(expireEveryMs, () => {
      if (!this.#parts.bus.isUp) this.#excuseAll();
      this.#excuseHeard();
      this.#apply(this.#table.expire(this.#nowMs()));
      this.#expireLater();
    });
  }

  /** Nobody could be heard until now. */
  #excuseAll(): void {
    const nowMs = this.#nowMs();
    for (const { workerId } of this.#table.members) this.#table.excuse(workerId, nowMs);
  }

  #excuseHeard(): void {
    const { isHeardDirectly } = this.#options;
    if (isHeardDirectly === undefined) return;
    const nowMs = this.#nowMs();
    for (const { workerId } of this.#table.members) {
      if (isHeardDirectly(workerId)) this.#table.excuse(workerId, nowMs);
    }
  }

  #stop(): void {
    this.#stopTimer();
    this.#listener = null;
    for (const member of this.#table.members) this.#forget(member);
    this.#table = this.#emptyTable();
  }

  #emptyTable(): MemberTable {
    const { membersMax, silentMsMax } = this.#options;
    return new MemberTable({
      membersMax: membersMax ?? membersDefault,
      silentMsMax: silentMsMax ?? silentMsDefault,
      checkAddress: (url) => this.#checkAddress(url),
    });
  }

  #open(bytes: Uint8Array, kind: MessageKind): SealedMessage | null {
    const message = this.#seal.open(bytes);
    if (message?.kind === kind) return message;
    this.#counts.refused += 1;
    return null;
  }

  #checkAddress(url: string): WorkerAddress | null {
    try {
      return this.#options.policy.check(url);
    } catch (error) {
      if (error instanceof LociError) return null;
      throw error;
    }
  }

  #nowMs(): number {
    return this.#parts.clock.nowMs();
  }
}

function voiceOf(member: Member): WorkerVoice {
  return { workerId: member.workerId, epoch: member.epoch };
}
