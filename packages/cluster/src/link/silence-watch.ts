// Tells when nothing was heard for too long, while somebody waits to hear. Time counts in slices: a
// process that was itself stopped for a minute does not take its own absence for others' silence,
// since it reads what has arrived meanwhile before the next slice ends.

import type { Clock } from "@loci/core";

const slices = 10;

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #onSilence: () => void;
  /** Null: nobody waits. */
  #silentSlices: number | null = null;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, silenceMsMax: number, onSilence: () => void) {
    this.#clock = clock;
    this.#sliceMs = silenceMsMax / slices;
    this.#onSilence = onSilence;
    this.#arm();
  }

  /** From now on silence counts. */
  waits(): void {
    this.#silentSlices = 0;
  }

  /** Something came; what is done with it may take its time. */
  heard(): void {
    this.#silentSlices = null;
  }

  close(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel = this.#clock.after(this.#sliceMs, () => {
      if (this.#silentSlices !== null) this.#silentSlices++;
      if (this.#silentSlices === slices) this.#onSilence();
      else this.#arm();
    });
  }
}
