// How likely is it that a block is used again, given how long nobody has used it? Learned while
// serving, from every request, in constant memory.
//
//   used() ──▶ features of each block's use ──▶ observations ──▶ hazard (one weight per feature)
//                      └──▶ score, kept with the block as a class ──▶ rate per class and idle time
//
// The sum over those who share a block is in what is learned: every request through it is a return
// of it, whoever sent it, and how many have used it is one of the features.

import { assert, defined } from "@loci/core";
import type { RetentionEntry } from "./retention-entry.ts";
import { returnClasses, returnClassOf, scoreOfClass } from "./return-class.ts";
import { factsOf, featuresOf } from "./return-features.ts";
import type { UseFacts } from "./return-features.ts";
import { ReturnHazard } from "./return-hazard.ts";
import { ReturnObservations } from "./return-observations.ts";
import { idleBucketOf } from "./idle-buckets.ts";
import { rateAt, returnChances, returnRates } from "./return-rates.ts";

/** Blocks watched at most, some 100 bytes each. */
const observationsDefault = 65_536;
/** Rates are computed again after so many requests. */
const refreshRequests = 16;

export interface ReturnModelOptions {
  readonly observationsMax?: number;
  /** A block was used again, so long after its last use; for counting. */
  readonly onReuse?: (sinceUsedMs: number) => void;
}

export class ReturnModel {
  readonly #hazard = new ReturnHazard();
  readonly #observations: ReturnObservations;
  /** By class; null = to be computed again. */
  readonly #rates: (Float64Array | null)[] = Array.from({ length: returnClasses }, () => null);
  readonly #chances: (Float64Array | null)[] = Array.from({ length: returnClasses }, () => null);
  readonly #onReuse: (sinceUsedMs: number) => void;
  #requests = 0;
  #nowMs = -Infinity;

  constructor(options: ReturnModelOptions = {}) {
    this.#observations = new ReturnObservations(
      (features, bucket, returned) => this.#hazard.learn(features, bucket, returned),
      options.observationsMax ?? observationsDefault,
    );
    this.#onReuse = options.onReuse ?? (() => undefined);
  }

  /**
   * One request uses these blocks now: all of them, in order of position, those that it computed
   * itself included. To be called once per request, when it gives its blocks back.
   * @param answerTokens Tokens that it was answered with; 0 if that is not known.
   */
  used(entries: readonly RetentionEntry[], nowMs: number, answerTokens = 0): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (this.#requests % refreshRequests === 0) {
      this.#rates.fill(null);
      this.#chances.fill(null);
    }
    this.#requests++;
    this.#observations.advance(this.#nowMs);
    const facts = factsOf(entries, answerTokens);
    for (const entry of entries) this.#returned(entry);
    this.#classify(entries, facts);
    for (const entry of entries) {
      if (entry.uses > 0) this.#onReuse(this.#nowMs - entry.lastUseMs);
      entry.uses++;
      entry.lastUseMs = this.#nowMs;
      entry.lastUse = this.#requests;
    }
  }

  /** A request goes on from a copy of the block's beginning: that is a return of it, too. */
  copied(entry: RetentionEntry, nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    this.#returned(entry);
  }

  /**
   * Returns to expect per second of keeping the block, if it is kept as long as that is best;
   * positive, and finite.
   */
  rate(entry: RetentionEntry, nowMs: number): number {
    let rates = this.#rates[entry.returnClass] ?? null;
    if (rates === null) {
      rates = returnRates(this.#hazard, scoreOfClass(entry.returnClass));
      this.#rates[entry.returnClass] = rates;
    }
    return rateAt(rates, Math.max(0, nowMs - entry.lastUseMs));
  }

  /** How likely the block is used within the next hour; between 0 and 1. */
  chance(entry: RetentionEntry, nowMs: number): number {
    let chances = this.#chances[entry.returnClass] ?? null;
    if (chances === null) {
      chances = returnChances(this.#hazard, scoreOfClass(entry.returnClass));
      this.#chances[entry.returnClass] = chances;
    }
    return defined(chances[idleBucketOf(nowMs - entry.lastUseMs)]);
  }

  checkIntegrity(): void {
    this.#hazard.checkIntegrity();
    this.#observations.checkIntegrity();
    for (const rates of this.#rates) {
      const sound = rates?.every((rate) => rate > 0 && Number.isFinite(rate)) ?? true;
      assert(sound, "rates are positive and finite");
    }
  }

  #returned(entry: RetentionEntry): void {
    if (entry.observation?.waits === true) {
      this.#observations.returned(entry.observation, this.#nowMs);
    }
    entry.observation = null;
  }

  /** Finds the class of each block; one block of each kind is watched. */
  #classify(entries: readonly RetentionEntry[], facts: UseFacts): void {
    let uses = -1;
    let returnClass = 0;
    for (let index = entries.length - 1; index >= 0; index--) {
      const entry = defined(entries[index]);
      const isLast = index === entries.length - 1;
      if (entry.uses !== uses || index === entries.length - 2) {
        uses = entry.uses;
        const place = isLast ? "last" : uses === 0 ? "new" : "known";
        const features = featuresOf(facts, entry.uses + 1, place);
        returnClass = returnClassOf(this.#hazard.score(features));
        entry.observation = this.#observations.tryStart(features, this.#nowMs);
      }
      entry.returnClass = returnClass;
    }
  }
}
