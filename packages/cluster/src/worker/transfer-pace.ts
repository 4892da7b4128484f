// What taking a block from another worker takes, from the transfers that happened: their lines, and
// how fast both ends read and write, are nobody's to know beforehand.

import { assert } from "@loci/core";

/** Weight of the newest in the mean. */
const newest = 1 / 4;
/** Of fewer blocks, asking and the first bytes are most of the time. */
const blocksMin = 2;

export class TransferPace {
  #secondsPerBlock: number | null = null;

  /** Null before the first transfer. */
  get secondsPerBlock(): number | null {
    return this.#secondsPerBlock;
  }

  moved(blocks: number, seconds: number): void {
    assert(blocks >= 0 && seconds >= 0, "a transfer moves something, in some time");
    if (blocks < blocksMin) return;
    const now = seconds / blocks;
    const before = this.#secondsPerBlock ?? now;
    this.#secondsPerBlock = before + newest * (now - before);
  }
}
