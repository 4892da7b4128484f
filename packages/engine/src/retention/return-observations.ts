// Blocks that are watched: do they return, and after how long? Those in one idle bucket wait in a
// queue in order of their last use, so whoever outlives the bucket is found at its head: each is
// touched once per bucket. Requests that come while too many are watched are not watched at all;
// that does not depend on what they will do, so it does not bias what is learned.

import { assert, defined } from "@loci/core";
import { idleBucketOf, idleBuckets, idleEdgesMs } from "./idle-buckets.ts";

/** One block, standing for all blocks of its request that have the same features. */
export interface ReturnObservation {
  readonly sinceMs: number;
  readonly features: readonly number[];
  /** False once it has returned. */
  waits: boolean;
}

/** Told what happened to an observation in a bucket. */
export type Lesson = (features: readonly number[], bucket: number, returned: boolean) => void;

/** Compaction of a queue waits until this many taken items lie in front. */
const compactAfter = 256;

interface BucketQueue {
  items: ReturnObservation[];
  /** Items before it were taken. */
  head: number;
}

export class ReturnObservations {
  readonly observationsMax: number;
  readonly #learn: Lesson;
  readonly #queues: BucketQueue[];
  #count = 0;

  constructor(learn: Lesson, observationsMax: number) {
    assert(observationsMax >= 1, "something is observed");
    this.observationsMax = observationsMax;
    this.#learn = learn;
    this.#queues = Array.from({ length: idleBuckets }, () => ({ items: [], head: 0 }));
  }

  /** Observations kept, those that have returned but lie in a queue still included. */
  get count(): number {
    return this.#count;
  }

  /** Starts one; null when too many are watched. Times never step back. */
  tryStart(features: readonly number[], nowMs: number): ReturnObservation | null {
    if (this.#count >= this.observationsMax) return null;
    const observation = { sinceMs: nowMs, features, waits: true };
    this.#queue(0).items.push(observation);
    this.#count++;
    return observation;
  }

  /** The block was used again. */
  returned(observation: ReturnObservation, nowMs: number): void {
    assert(observation.waits, "an observation returns once");
    observation.waits = false;
    this.#learn(observation.features, idleBucketOf(nowMs - observation.sinceMs), true);
  }

  /** Moves everything to the bucket in which it is by now. */
  advance(nowMs: number): void {
    for (let bucket = 0; bucket < idleBuckets - 1; bucket++) {
      const lengthMs = defined(idleEdgesMs[bucket + 1]);
      const queue = this.#queue(bucket);
      for (; queue.head < queue.items.length; queue.head++) {
        const observation = defined(queue.items[queue.head]);
        if (observation.sinceMs + lengthMs > nowMs) break;
        this.#leave(observation, bucket);
      }
      compact(queue);
    }
    // Whoever is in the last bucket cannot outlive it: the oldest make room.
    const last = this.#queue(idleBuckets - 1);
    while (last.items.length - last.head > this.observationsMax / 8) {
      defined(last.items[last.head]).waits = false;
      last.head++;
      this.#count--;
    }
    compact(last);
  }

  checkIntegrity(): void {
    assert(this.#count <= this.observationsMax, "observations are bounded");
    const kept = this.#queues.map(({ items, head }) => items.slice(head));
    assert(kept.flat().length === this.#count, "observations are counted");
    for (const items of kept) {
      for (const [index, { sinceMs }] of items.entries()) {
        const before = items[index - 1]?.sinceMs ?? -Infinity;
        assert(before <= sinceMs, "a queue is in order of time");
      }
    }
  }

  #leave(observation: ReturnObservation, bucket: number): void {
    if (!observation.waits) {
      this.#count--;
      return;
    }
    this.#learn(observation.features, bucket, false);
    this.#queue(bucket + 1).items.push(observation);
  }

  #queue(bucket: number): BucketQueue {
    return defined(this.#queues[bucket]);
  }
}

function compact(queue: BucketQueue): void {
  if (queue.head < compactAfter || queue.head * 2 < queue.items.length) return;
  queue.items = queue.items.slice(queue.head);
  queue.head = 0;
}
