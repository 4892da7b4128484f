// Admission by reservation: everyone is promised memory for so many tokens of answer, and the sum of
// the promises fits. Three published systems differ only in how many: ORCA the longest answer that
// was asked for, S³ the upper edge of the predicted bucket (digest 2.3), vLLM none.

import { defined } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import type { AdmissionName, AdmissionPolicy, Candidate } from "./admission-policy.ts";

export interface ReservationRule {
  readonly name: AdmissionName;
  readonly passesBy: boolean;
  /** Tokens of answer to reserve when it starts. */
  reserve(request: EngineRequest): number;
  /** The reservation stands until the end; else it is no more than the next token at any time. */
  readonly isKept: boolean;
}

/** Promises nothing but the next token. */
export const pagedRule: ReservationRule = {
  name: "paged",
  passesBy: false,
  reserve: (request) => request.generated + 1,
  isKept: false,
};

export const worstCaseRule: ReservationRule = {
  name: "worst-case",
  passesBy: false,
  reserve: ({ forecast }) => forecast.tokensMax,
  isKept: true,
};

/** The predictor answers with a point (see `buckets`); who outgrows it is preempted and doubled. */
export const s3Rule: ReservationRule = {
  name: "s3",
  passesBy: true,
  reserve: ({ forecast, generated }) => {
    const predicted = Math.max(forecast.reserved, Math.ceil(forecast.quantileAtFirst(1)));
    return Math.min(forecast.tokensMax, Math.max(predicted, generated + 1));
  },
  isKept: true,
};

export class ReservedAdmission implements AdmissionPolicy {
  readonly name: AdmissionName;
  readonly passesBy: boolean;
  readonly climbsLadder: boolean = false;
  readonly #rule: ReservationRule;
  readonly #blockTokens: number;
  readonly #blockCount: number;
  /** Blocks promised to those who run and not yet taken. */
  #promised = 0;

  constructor(rule: ReservationRule, blockTokens: number, blockCount: number) {
    this.name = rule.name;
    this.passesBy = rule.passesBy;
    this.#rule = rule;
    this.#blockTokens = blockTokens;
    this.#blockCount = blockCount;
  }

  beginPlan(running: readonly EngineRequest[]): void {
    this.#promised = 0;
    for (const request of running) {
      const held = defined(request.blocks).blockCount;
      this.#promised += Math.max(0, this.#blocksPromised(request) - held);
    }
  }

  admits(candidate: Candidate, blocksAvailable: number): boolean {
    return this.#promised + this.#wanted(candidate) <= blocksAvailable;
  }

  admitted(candidate: Candidate): void {
    const { request } = candidate;
    if (this.#rule.isKept) request.forecast.reserved = this.#rule.reserve(request);
    this.#promised += this.#wanted(candidate) - candidate.blocksNeeded;
  }

  outgrown({ forecast }: EngineRequest): boolean {
    forecast.reserved = Math.min(forecast.tokensMax, 2 * Math.max(1, forecast.reserved));
    return false;
  }

  fits(blocksAvailable: number): boolean {
    return this.#promised <= blocksAvailable;
  }

  #wanted({ request, blocksNeeded, blocksHeld }: Candidate): number {
    const reserved = this.#blocksFor(request.promptLength + this.#rule.reserve(request));
    return blocksNeeded + Math.max(0, reserved - blocksHeld);
  }

  #blocksPromised(request: EngineRequest): number {
    const answer = Math.max(request.forecast.reserved, request.generated + 1);
    return this.#blocksFor(request.promptLength + answer);
  }

  #blocksFor(tokens: number): number {
    // Who asks for more than all of the memory runs alone.
    return Math.min(this.#blockCount, Math.ceil(tokens / this.#blockTokens));
  }
}
