// What a cached block has been worth on a worker: seconds of prompts that hits saved there, for each
// block that came into its memory. In a full memory every new block pushes one out, so that is what
// another copy of something costs; the last block in line is worth less than the mean one.

import { assert } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";

/** Weight of a request in the means. */
const newsWeight = 1 / 64;
/** Hit rates grow about with the logarithm of memory: the last block is worth half of the mean. */
const marginalShare = 0.5;

interface Means {
  savedSeconds: number;
  newBlocks: number;
}

export class BlockWorth {
  readonly #means = new Map<RoutedWorker, Means>();

  /** A request went there: what it found saved so much, and it needs so many blocks. */
  placed(worker: RoutedWorker, savedSeconds: number, newBlocks: number): void {
    const means = this.#means.get(worker) ?? { savedSeconds: 0, newBlocks: 0 };
    means.savedSeconds += newsWeight * (savedSeconds - means.savedSeconds);
    means.newBlocks += newsWeight * (newBlocks - means.newBlocks);
    this.#means.set(worker, means);
  }

  /** Seconds lost by giving up one cached block. */
  secondsPerBlock(worker: RoutedWorker): number {
    const means = this.#means.get(worker);
    if (means === undefined || means.newBlocks <= 0) return 0;
    return (marginalShare * means.savedSeconds) / means.newBlocks;
  }

  forget(worker: RoutedWorker): void {
    this.#means.delete(worker);
  }

  checkIntegrity(): void {
    for (const { savedSeconds, newBlocks } of this.#means.values()) {
      assert(savedSeconds >= 0 && newBlocks >= 0, "means of what is not negative");
    }
  }
}
