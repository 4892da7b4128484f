// How many workers the load needs: seconds of devices that come in a second, with answers at their
// expected length, over what one worker should be busy at most. For whoever starts and stops workers.

import { ArrivalRates } from "./arrival-rates.ts";

/** Beyond this share of its time a worker's queue grows steeply with every burst. */
const busyTarget = 0.7;

export class WorkersWanted {
  readonly #rates = new ArrivalRates();

  /** A request was placed that takes so many seconds of a device. */
  placed(seconds: number, nowMs: number): void {
    this.#rates.arrived(seconds, nowMs);
  }

  /** Workers for the present load; at least 1 while anything comes. */
  workers(nowMs: number): number {
    const load = this.#rates.secondsPerSecond(nowMs);
    return load < Number.EPSILON ? 0 : Math.max(1, Math.ceil(load / busyTarget));
  }

  checkIntegrity(): void {
    this.#rates.checkIntegrity();
  }
}
