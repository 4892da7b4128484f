// Who has been right lately: exponential weights over the losses of a few experts, at each stage of
// a forecast, over all requests and over each tenant's own.

import { assert } from "@loci/core";
import { at64, atPlain } from "../at.ts";
import { RecentMap } from "../state/recent-map.ts";
import type { StateReader, StateWriter } from "../state/state-bytes.ts";
import { nameKey } from "../text-hash.ts";
import { stageCount, type Stage } from "./forecast-stage.ts";

/** What the past counts with each new loss: about the last 50 of all, the last 10 of a tenant. */
const decayOfAll = 0.98;
const decayOfTenant = 0.9;
const tenantsMax = 256;
/** How sharply a loss tells against an expert. */
const sharpness = 4;
/** What the past counts when traffic has changed. */
const hastyShare = 0.2;
const keyLengthMax = 10;
const lossSumMax = 1e4;

type LossSums = Float64Array;

export class ExpertWeights {
  readonly #experts: number;
  readonly #ofAll: readonly LossSums[];
  readonly #ofTenants = new RecentMap<readonly LossSums[]>(tenantsMax);

  constructor(experts: number) {
    assert(experts >= 1, "there is an expert");
    this.#experts = experts;
    this.#ofAll = blankSums(experts);
  }

  /** One weight for each expert; the best has 1. */
  of(tenant: string, stage: Stage): readonly number[] {
    const all = sumsOf(this.#ofAll, stage);
    const tenants = this.#ofTenants.peek(nameKey(tenant));
    const own = tenants === undefined ? null : sumsOf(tenants, stage);
    const weights: number[] = [];
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#experts; i++) {
      const sum = at64(all, i) + (own === null ? 0 : at64(own, i));
      best = Math.min(best, sum);
      weights.push(sum);
    }
    for (let i = 0; i < this.#experts; i++) {
      weights[i] = Math.exp(-sharpness * (atPlain(weights, i) - best));
    }
    return weights;
  }

  learn(tenant: string, stage: Stage, losses: Float64Array): void {
    assert(losses.length === this.#experts, "each expert has a loss");
    const key = nameKey(tenant);
    const own = this.#ofTenants.use(key, () => blankSums(this.#experts));
    decayInto(sumsOf(this.#ofAll, stage), losses, decayOfAll);
    decayInto(sumsOf(own, stage), losses, decayOfTenant);
  }

  /** Traffic has changed: the past counts little. */
  hasten(): void {
    for (const sums of this.#ofAll) scale(sums, hastyShare);
    for (const [, own] of this.#ofTenants.entries())
      for (const sums of own) scale(sums, hastyShare);
  }

  write(writer: StateWriter): void {
    writer.whole(this.#experts);
    for (const sums of this.#ofAll) writer.numbers(sums);
    writer.whole(this.#ofTenants.size);
    for (const [key, own] of this.#ofTenants.entries()) {
      writer.text(key);
      for (const sums of own) writer.numbers(sums);
    }
  }

  /** What `write` wrote for as many experts. */
  static read(reader: StateReader, experts: number): ExpertWeights {
    const found = new ExpertWeights(experts);
    reader.whole({ min: experts, max: experts });
    readSums(reader, found.#ofAll);
    const count = reader.whole({ min: 0, max: tenantsMax });
    for (let i = 0; i < count && !reader.hasFailed; i++) {
      const own = found.#ofTenants.use(reader.text(keyLengthMax), () => blankSums(experts));
      readSums(reader, own);
    }
    return found;
  }

  checkIntegrity(): void {
    this.#ofTenants.checkIntegrity();
    for (const sums of this.#ofAll) {
      assert(
        sums.every((sum) => sum >= 0 && sum <= lossSumMax),
        "losses are bounded",
      );
    }
  }
}

function blankSums(experts: number): LossSums[] {
  return Array.from({ length: stageCount }, () => new Float64Array(experts));
}

function sumsOf(stages: readonly LossSums[], stage: Stage): LossSums {
  const sums = stages[stage];
  assert(sums !== undefined, "each stage has its sums");
  return sums;
}

function decayInto(sums: LossSums, losses: Float64Array, decay: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) * decay + (losses[i] ?? 0);
}

function scale(sums: LossSums, factor: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) * factor;
}

function readSums(reader: StateReader, stages: readonly LossSums[]): void {
  for (const sums of stages) {
    const count = { min: sums.length, max: sums.length };
    const read = reader.numbers(count, { min: 0, max: lossSumMax });
    sums.set(read);
  }
}
