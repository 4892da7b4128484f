// Our side of the engine benchmark: the very runner that the server uses, called as the engine
// calls it, greedy sampling included. Blocks are scattered over the pool, as in a busy server,
// and no two sequences share one.

import { assert, defined, greedySampling, Random, type Clock } from "@loci/core";
import type { BlockCopy, QuerySlice, Runner, StepBatch } from "@loci/engine";
import { fillChunkTokens, type ArmOptions, type EngineArm } from "./engine-arm.ts";

/** A runner and how to get rid of it. */
export interface OwnedRunner extends Disposable {
  readonly runner: Runner;
}

interface SequenceState {
  readonly id: string;
  readonly blockTable: Int32Array;
  length: number;
}

export class LociArm implements EngineArm {
  readonly #owned: OwnedRunner;
  readonly #clock: Clock;
  readonly #tokenIds: ArmOptions["tokenIds"];
  readonly #random = new Random(1);
  readonly #sequences: readonly SequenceState[];

  constructor(owned: OwnedRunner, { room, tokenIds }: ArmOptions, clock: Clock) {
    this.#owned = owned;
    this.#tokenIds = tokenIds;
    this.#clock = clock;
    const { blockCount, blockTokens } = owned.runner.limits;
    const blocksEach = Math.ceil(room.contextTokens / blockTokens);
    assert(blocksEach * room.sequences <= blockCount, "the pool holds every sequence");
    const order = shuffled(blockCount, this.#random);
    this.#sequences = Array.from({ length: room.sequences }, (_, index) => ({
      id: `bench-${index}`,
      blockTable: order.slice(index * blocksEach, (index + 1) * blocksEach),
      length: 0,
    }));
  }

  async prefill(depth: number, tokens: number): Promise<number> {
    const first = this.#sequence(0);
    await this.#fill(first, depth);
    const seconds = await this.#timed(() => this.#compute(first, tokens, true));
    first.length = depth;
    return seconds;
  }

  async decode(sequences: number, depth: number, steps: number): Promise<number> {
    const first = this.#sequence(0);
    await this.#fill(first, depth);
    const all = this.#sequences.slice(0, sequences);
    const copies = all.flatMap((sequence) =>
      sequence.length === depth ? [] : this.#copies(first, sequence, depth),
    );
    for (const sequence of all) sequence.length = depth;
    await this.#step(all, copies);
    const seconds = await this.#timed(async () => {
      for (let step = 0; step < steps; step++) await this.#step(all, []);
    });
    for (const sequence of all) sequence.length = depth;
    return seconds;
  }

  async #timed(work: () => Promise<void>): Promise<number> {
    const startMs = this.#clock.nowMs();
    await work();
    return (this.#clock.nowMs() - startMs) / 1000;
  }

  async #fill(sequence: SequenceState, depth: number): Promise<void> {
    sequence.length = Math.min(sequence.length, depth);
    await this.#compute(sequence, depth - sequence.length, false);
  }

  /** Appends tokens in the largest steps allowed. */
  async #compute(sequence: SequenceState, tokens: number, sampled: boolean): Promise<void> {
    const chunkMax = Math.min(this.#owned.runner.limits.stepTokensMax, fillChunkTokens);
    for (let left = tokens; left > 0;) {
      const count = Math.min(chunkMax, left);
      left -= count;
      const slice = this.#slice(sequence, count, sampled && left === 0);
      await this.#execute({ copies: [], slices: [slice] });
    }
  }

  async #step(sequences: readonly SequenceState[], copies: readonly BlockCopy[]): Promise<void> {
    const slices = sequences.map((sequence) => this.#slice(sequence, 1, true));
    await this.#execute({ copies, slices });
  }

  async #execute(batch: StepBatch): Promise<void> {
    const result = await this.#owned.runner.execute(batch);
    const asked = batch.slices.filter((slice) => slice.sample !== null).length;
    assert(result.samples.length === asked, "every sample asked for came back");
  }

  #slice(sequence: SequenceState, count: number, sampled: boolean): QuerySlice {
    const tokens = Int32Array.from({ length: count }, () =>
      this.#random.integer(this.#tokenIds.low, this.#tokenIds.high),
    );
    const positionStart = sequence.length;
    sequence.length += count;
    const sample = sampled
      ? { params: greedySampling, history: [...tokens], promptLength: count, eosBanned: false }
      : null;
    const { id, blockTable } = sequence;
    return { requestId: id, tokens, positionStart, blockTable, sample };
  }

  #copies(source: SequenceState, target: SequenceState, tokens: number): BlockCopy[] {
    const { blockTokens } = this.#owned.runner.limits;
    return Array.from({ length: Math.ceil(tokens / blockTokens) }, (_, index) => ({
      source: defined(source.blockTable[index]),
      target: defined(target.blockTable[index]),
      tokens: Math.min(blockTokens, tokens - index * blockTokens),
    }));
  }

  #sequence(index: number): SequenceState {
    return defined(this.#sequences[index], "the sequence has room");
  }

  [Symbol.dispose](): void {
    for (const { id } of this.#sequences) this.#owned.runner.release(id);
    this.#owned[Symbol.dispose]();
  }
}

/** The numbers below `count` in an order that depends on chance only. */
function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(0, last);
    const kept = defined(order[last]);
    order[last] = defined(order[other]);
    order[other] = kept;
  }
  return order;
}
