// Admission by predicted peak (Past-Future, digest 4.1, with distributions): a request starts while
// the memory's peak over the batch's predicted future fits, at the risk that pays in seconds.

import { defined } from "@loci/core";
import type { EngineRequest } from "../request.ts";
import type { AdmissionName, AdmissionPolicy, Candidate } from "./admission-policy.ts";
import type { PeakForecast } from "./peak-forecast.ts";
import type { SequenceDemand } from "./peak-forecast.ts";
import { normalQuantile } from "./risk-level.ts";
import type { RiskLevel } from "./risk-level.ts";

/** What an answer is said to have outgrown: the length that nine in ten would not exceed. */
const reservedQuantile = 0.9;

export interface PredictedAdmissionParts {
  readonly name: AdmissionName;
  /** Its own to use. */
  readonly peak: PeakForecast;
  readonly risk: RiskLevel;
  /** Of a running request's blocks, those that are free again when it ends. */
  readonly blocksOwned: (request: EngineRequest) => number;
}

export class PredictedAdmission implements AdmissionPolicy {
  readonly name: AdmissionName;
  readonly passesBy: boolean = false;
  readonly climbsLadder: boolean = true;
  readonly #parts: PredictedAdmissionParts;
  readonly #peak: PeakForecast;
  #running: readonly EngineRequest[] = [];
  /** The forecast holds those who run; it is made when the first candidate comes. */
  #isCurrent = false;
  #tokensRunning = 0;
  #sequences = 0;

  constructor(parts: PredictedAdmissionParts) {
    this.name = parts.name;
    this.#parts = parts;
    this.#peak = parts.peak;
  }

  beginPlan(running: readonly EngineRequest[]): void {
    this.#running = running;
    this.#isCurrent = false;
  }

  admits(candidate: Candidate, blocksAvailable: number): boolean {
    this.#refresh();
    return this.#peak.fits(this.#demandOf(candidate), blocksAvailable, this.#riskWith(candidate));
  }

  admitted(candidate: Candidate): void {
    const { request } = candidate;
    const { forecast, generated } = request;
    forecast.reserved = forecast.quantile(generated, reservedQuantile);
    this.#refresh();
    // Its blocks are taken from what is available from now on.
    this.#peak.add({ ...this.#demandOf(candidate), blocksNeeded: 0 });
    this.#tokensRunning += request.tokensKnown;
    this.#sequences++;
  }

  /** Others end earlier than their promises say: whoever outgrows its own lives on that. */
  outgrown(request: EngineRequest): boolean {
    const { forecast, generated } = request;
    forecast.reserved = forecast.quantile(generated, reservedQuantile);
    return true;
  }

  fits(blocksAvailable: number): boolean {
    this.#refresh();
    return this.#peak.peakBlocks(0) <= blocksAvailable;
  }

  #refresh(): void {
    if (this.#isCurrent) return;
    this.#isCurrent = true;
    this.#peak.clear();
    this.#tokensRunning = 0;
    this.#sequences = this.#running.length;
    for (const request of this.#running) {
      const { forecast, generated, tokensKnown } = request;
      const blocksHeld = defined(request.blocks).blockCount;
      const blocksOwned = this.#parts.blocksOwned(request);
      const sizes = { tokensKnown, blocksHeld, blocksOwned, blocksNeeded: 0 };
      this.#peak.add({ forecast, generated, ...sizes });
      this.#tokensRunning += tokensKnown;
    }
  }

  #riskWith({ request }: Candidate): number {
    const { forecast, generated, tokensKnown } = request;
    const sequences = this.#sequences + 1;
    const mean = (this.#tokensRunning + tokensKnown) / sequences;
    const expected = forecast.expectedRemaining(generated);
    return normalQuantile(this.#parts.risk.quantile(expected, sequences, mean));
  }

  #demandOf({ request, blocksNeeded, blocksHeld, blocksOwned }: Candidate): SequenceDemand {
    const { forecast, generated, tokensKnown } = request;
    return { forecast, generated, tokensKnown, blocksHeld, blocksOwned, blocksNeeded };
  }
}
