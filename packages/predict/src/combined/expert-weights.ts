// Who has been right lately: exponential weights over the losses of a few experts, at each stage of
// a forecast, over all requests and over each tenant's own.

import { assert } from "@loci/core";
import { at64 } from "../at.ts";
import { RecentMap } from "../state/recent-map.ts";
import type { StateReader, StateWriter } from "../state/state-bytes.ts";
import { nameHash } from "../text-hash.ts";
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
  of(tenant: string, stage: Stage): Float64Array {
    const all = sumsOf(this.#ofAll, stage);
    const own = this.#ofTenants.peek(String(nameHash(tenant)));
    const sums = own === undefined ? all.slice() : added(all, sumsOf(own, stage));
    let best = Number.POSITIVE_INFINITY;
    for (const sum of sums) best = Math.min(best, sum);
    for (let i = 0; i < sums.length; i++) sums[i] = Math.exp(-sharpness * (at64(sums, i) - best));
    return sums;
  }

  learn(tenant: string, stage: Stage, losses: Float64Array): void {
    assert(losses.length === this.#experts, "each expert has a loss");
    const key = String(nameHash(tenant));
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

function added(one: LossSums, two: LossSums): LossSums {
  return one.map((sum, i) => sum + (two[i] ?? 0));
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
