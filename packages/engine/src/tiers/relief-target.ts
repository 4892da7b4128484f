// How much of the device should be free or have a copy below: a share of it, or twice what the steps
// of late took at once. A step that admits many requests takes far more than one that decodes.

/** What remains of a peak with every further step. */
const decay = 0.95;
const stepsAhead = 2;

export interface DeviceUse {
  /** Blocks that are free now. */
  readonly free: number;
  /** Blocks given up since the start. */
  readonly dropped: number;
}

export class ReliefTarget {
  readonly #deviceBlocks: number;
  readonly #aheadShare: number;
  #before: DeviceUse;
  #peak = 0;

  /** @param aheadShare of the device, at least; 0 = no copies ahead of need */
  constructor(deviceBlocks: number, aheadShare: number) {
    this.#deviceBlocks = deviceBlocks;
    this.#aheadShare = aheadShare;
    this.#before = { free: deviceBlocks, dropped: 0 };
  }

  /** A step was planned. */
  observe({ free, dropped }: DeviceUse): void {
    const taken = this.#before.free - free + dropped - this.#before.dropped;
    this.#peak = Math.max(taken, this.#peak * decay);
    this.#before = { free, dropped };
  }

  get blocks(): number {
    if (this.#aheadShare === 0) return 0;
    const wanted = Math.max(this.#aheadShare * this.#deviceBlocks, stepsAhead * this.#peak);
    return Math.min(this.#deviceBlocks, wanted);
  }
}
