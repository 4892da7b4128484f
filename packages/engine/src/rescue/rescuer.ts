// Keeps running requests going when memory is short: applies the rescue ladder, and counts what came
// of answers that outgrew what they were promised.

import { assert } from "@loci/core";
import type { LatencyModel } from "@loci/core";
import type { AdmissionPolicy } from "../admission/admission-policy.ts";
import type { PrefixIndex } from "../kv/prefix-index.ts";
import type { EngineRequest } from "../request.ts";
import { zeroRescueCounts } from "./rescue-counts.ts";
import type { RescueCounts } from "./rescue-counts.ts";
import { isLate, RescueLadder } from "./rescue-ladder.ts";
import type { Rescue } from "./rescue-ladder.ts";

export interface RescuerParts {
  readonly index: PrefixIndex;
  readonly model: LatencyModel;
  readonly policy: AdmissionPolicy;
  /** In order of arrival. */
  readonly running: readonly EngineRequest[];
  /** Sends a running request back to the queue; what it computed stays cached. */
  readonly preempt: (victim: EngineRequest) => void;
}

export class Rescuer {
  readonly counts: RescueCounts = zeroRescueCounts();
  readonly #parts: RescuerParts;
  readonly #ladder: RescueLadder;

  constructor(parts: RescuerParts) {
    this.#parts = parts;
    this.#ladder = new RescueLadder(parts.index, parts.model);
  }

  /**
   * Room for the next token of the running request at `place`, at newer ones' cost if need be; false
   * when it has to sit out this step.
   */
  makeRoom(request: EngineRequest, place: number): boolean {
    const { index } = this.#parts;
    while (index.roomAfter(request.blocks, request.frontier) < 1) {
      if (index.waitsForCopy) return false;
      const rescue = this.#choose(request, place);
      if (rescue.kind === "wait") this.counts.waited++;
      if (rescue.kind !== "preempt") return false;
      if (isLate(rescue.victim)) this.counts.late++;
      this.#giveWay(rescue.victim, rescue.moves, "gave way to another request");
    }
    this.#ladder.served(request);
    return true;
  }

  /** Whether a request that wants more than it was promised had to go back to the queue for that. */
  outgrows(request: EngineRequest): boolean {
    const { index, policy, running } = this.#parts;
    const { reserved } = request.forecast;
    if (reserved === 0 || request.generated < reserved) return false;
    this.counts.outgrown++;
    this.#tell("outgrown", request);
    // Who runs alone has nobody to make room for.
    if (!policy.outgrown(request) && running.length > 1) {
      this.#giveWay(request, this.#ladder.price(request).moves, "outgrew its promise");
      return true;
    }
    const fits = policy.fits(index.availableCount(request.spec.tenant, true));
    if (fits) this.counts.extended++;
    else this.counts.borrowed++;
    this.#tell(fits ? "extended" : "borrowed", request);
    return false;
  }

  #choose(request: EngineRequest, place: number): Rescue {
    const { running, policy } = this.#parts;
    const newer = running.slice(place + 1);
    const isIdle = newer.every(({ inFlight }) => !inFlight);
    assert(isIdle, "who is newer is not scheduled yet");
    if (policy.climbsLadder) {
      const mayWait = running.some(({ inFlight }) => inFlight);
      return this.#ladder.choose({ request, running, newer, mayWait });
    }
    const victim = newer.at(-1);
    if (victim === undefined) return { kind: "none" };
    return { kind: "preempt", victim, moves: this.#ladder.price(victim).moves };
  }

  #giveWay(victim: EngineRequest, moves: boolean, why: string): void {
    if (moves) this.counts.moved++;
    else this.counts.recomputed++;
    this.#tell("gave_way", victim, moves);
    victim.story.enter("rescued", this.#parts.index.nowMs, why);
    this.#parts.preempt(victim);
  }

  #tell(
    kind: "outgrown" | "extended" | "borrowed" | "gave_way",
    request: EngineRequest,
    moves: boolean = false,
  ): void {
    const { tiers, nowMs } = this.#parts.index;
    const { id, blocks, spec } = request;
    const { seconds } = this.#ladder.price(request);
    const tier = moves ? (tiers.tiers[0]?.name ?? null) : null;
    const facts = { id, tenant: spec.tenant, blocks: blocks?.blockCount ?? 0, seconds, tier };
    tiers.happenings.rescue(kind, facts, nowMs);
  }
}
