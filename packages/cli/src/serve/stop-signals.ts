// SIGINT and SIGTERM: the first asks to stop, the second insists. A terminal's Ctrl+C can arrive
// twice, once by itself and once passed on by npm, so signals in quick succession count once.

import { assert } from "@loci/core";
import type { Clock } from "@loci/core";

export type StopSignal = "SIGINT" | "SIGTERM";

const stopSignals: readonly StopSignal[] = ["SIGINT", "SIGTERM"];

/** Signals nearer than this to the first are the same key press. */
const sameSignalMs = 250;

export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown;
  off(signal: StopSignal, listener: () => void): unknown;
}

export class StopSignals {
  readonly #source: SignalSource;
  readonly #clock: Clock;
  readonly #first = Promise.withResolvers<StopSignal>();
  readonly #second = Promise.withResolvers<StopSignal>();
  readonly #listeners: ReadonlyMap<StopSignal, () => void>;
  #firstAtMs: number | null = null;

  constructor(source: SignalSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
    this.#listeners = new Map(stopSignals.map((signal) => [signal, () => this.#receive(signal)]));
    for (const [signal, listener] of this.#listeners) source.on(signal, listener);
  }

  get first(): Promise<StopSignal> {
    return this.#first.promise;
  }

  get second(): Promise<StopSignal> {
    return this.#second.promise;
  }

  [Symbol.dispose](): void {
    for (const [signal, listener] of this.#listeners) this.#source.off(signal, listener);
  }

  #receive(signal: StopSignal): void {
    const nowMs = this.#clock.nowMs();
    if (this.#firstAtMs === null) {
      this.#firstAtMs = nowMs;
      this.#first.resolve(signal);
      return;
    }
    assert(nowMs >= this.#firstAtMs, "time does not step back");
    if (nowMs - this.#firstAtMs >= sameSignalMs) this.#second.resolve(signal);
  }
}
