// How full the device's memory is with what requests hold, weighted by time.

import type { Engine } from "@loci/engine";

/** Steps between two looks: a snapshot costs as much as there are requests. */
const stepsPerLook = 32;

export class MemoryUse {
  readonly #engine: Engine;
  #steps = 0;
  #atMs = 0;
  #share = 0;
  #max = 0;
  #sum = 0;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** A step starts. */
  note(nowMs: number): void {
    if (this.#steps++ % stepsPerLook > 0) return;
    this.#sum += this.#share * (nowMs - this.#atMs);
    this.#atMs = nowMs;
    const { kvBlocksTotal, kvBlocksFree, kvBlocksCached } = this.#engine.snapshot();
    this.#share = (kvBlocksTotal - kvBlocksFree - kvBlocksCached) / kvBlocksTotal;
    this.#max = Math.max(this.#max, this.#share);
  }

  result(endMs: number): { readonly mean: number; readonly max: number } {
    const sum = this.#sum + this.#share * (endMs - this.#atMs);
    return { mean: endMs > 0 ? sum / endMs : 0, max: this.#max };
  }
}
