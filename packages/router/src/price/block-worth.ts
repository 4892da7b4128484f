// What a cached block has been worth on a worker: seconds of prompts that hits saved there, for each
// block that came into its memory. In a full memory every new block pushes one out, so that is what
// another copy of something costs; the last block in line is worth less than the mean one.

import { assert } from "@loci/core";
import type { RoutedWorker } from "../members/routed-worker.ts";

/** Weight of a request in the means. */
const newsWeight = 1 / 64;
/** Hit rates grow about with the logarithm of memory: the last block is worth half of the mean. */
const marginalShare = 0.5;

export class BlockWorth {
  /** Means, by the worker's slot. */
  #savedSeconds = new Float64Array(0);
  #newBlocks = new Float64Array(0);

  /** A request went there: what it found saved so much, and it needs so many blocks. */
  placed({ slot }: RoutedWorker, savedSeconds: number, newBlocks: number): void {
    this.#makeRoom(slot);
    const savedMean = this.#savedSeconds[slot] ?? 0;
    const blocksMean = this.#newBlocks[slot] ?? 0;
    this.#savedSeconds[slot] = savedMean + newsWeight * (savedSeconds - savedMean);
    this.#newBlocks[slot] = blocksMean + newsWeight * (newBlocks - blocksMean);
  }

  /** Seconds lost by giving up one cached block. */
  secondsPerBlock({ slot }: RoutedWorker): number {
    const newBlocks = this.#newBlocks[slot] ?? 0;
    return newBlocks <= 0 ? 0 : (marginalShare * (this.#savedSeconds[slot] ?? 0)) / newBlocks;
  }

  forget({ slot }: RoutedWorker): void {
    this.#savedSeconds.fill(0, slot, slot + 1);
    this.#newBlocks.fill(0, slot, slot + 1);
  }

  checkIntegrity(): void {
    for (const means of [this.#savedSeconds, this.#newBlocks]) {
      assert(
        means.every((mean) => mean >= 0),
        "means of what is not negative",
      );
    }
  }

  #makeRoom(slot: number): void {
    if (slot < this.#newBlocks.length) return;
    const [saved, blocks] = [this.#savedSeconds, this.#newBlocks];
    this.#savedSeconds = new Float64Array(2 * (slot + 1));
    this.#newBlocks = new Float64Array(2 * (slot + 1));
    this.#savedSeconds.set(saved);
    this.#newBlocks.set(blocks);
  }
}
