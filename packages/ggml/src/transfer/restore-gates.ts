// Gates between restores and steps. A restore brings its blocks layer by layer and publishes at its
// gate how many layers have arrived; a step computes a layer once all its gates have passed it.
// The gates are int32 words in native memory, read and written with atomic operations from both
// languages (native/gates.h has the same picture and must change with this file):
//
//   [gate]             layers arrived
//   [gatesMax + gate]  1 when the restore failed: the gate stands open, and what lies behind it is wrong
//   [gatesMax · 2]     moves on with everything any restore does; what a waiting step watches
//   [gatesMax · 2 + 1] milliseconds without a move after which a waiting step gives up

import { assert, sleep, type Clock } from "@loci/core";
import { NativeMemory } from "../native-memory.ts";
import type { Pointer } from "../pointer.ts";

/** Gates of one runner. */
export const gatesMax = 32;
/** A restore that moves nothing for this long fails the steps that wait for it. */
const stallMsMax = 10_000;
const pollMs = 1;
/** More layers than any model has. */
const layersOpen = 0x7fff_ffff;

const heartbeatWord = gatesMax * 2;
const stallMsWord = heartbeatWord + 1;
const wordCount = stallMsWord + 1;

export class RestoreGates implements Disposable {
  readonly #memory: NativeMemory;
  readonly #words: Int32Array;
  /** Gates that the step under way looks at. */
  readonly #held = new Set<number>();
  readonly #closings: { readonly gate: number; readonly closed: () => void }[] = [];

  constructor() {
    this.#memory = new NativeMemory(wordCount * Int32Array.BYTES_PER_ELEMENT);
    this.#words = new Int32Array(this.#memory.bytes, 0, wordCount);
    this.#words.fill(0);
    this.stallMsMax = stallMsMax;
  }

  get address(): Pointer {
    return this.#memory.address;
  }

  /** Time without any progress after which a waiting step gives up; for tests. */
  set stallMsMax(value: number) {
    Atomics.store(this.#words, stallMsWord, value);
  }

  /**
   * Closes a gate for a restore that is about to start, at once unless a step that is under way still
   * looks at it: what the gate says of an earlier restore stays until that step has ended.
   */
  close(gate: number, closed: () => void = () => {}): void {
    checkGate(gate);
    if (this.#held.has(gate)) {
      this.#closings.push({ gate, closed });
      return;
    }
    Atomics.store(this.#words, gatesMax + gate, 0);
    Atomics.store(this.#words, gate, 0);
    closed();
  }

  /** A step under way looks at `gates`; the returned function says that it has ended. */
  hold(gates: readonly number[]): () => void {
    assert(this.#held.size === 0, "one step at a time");
    for (const gate of gates) this.#held.add(gate);
    return () => {
      this.#held.clear();
      for (const { gate, closed } of this.#closings.splice(0)) this.close(gate, closed);
    };
  }

  /** Publishes that the first `layers` layers are there. */
  advance(gate: number, layers: number): void {
    let known = this.layersArrived(gate);
    // A waiter that gave up opened the gate further; it stays open.
    while (known < layers) {
      const found = Atomics.compareExchange(this.#words, gate, known, layers);
      if (found === known) break;
      known = found;
    }
    this.beat();
  }

  /** Opens a gate whose restore failed: what it was to bring is not there. */
  fail(gate: number): void {
    checkGate(gate);
    Atomics.store(this.#words, gatesMax + gate, 1);
    this.advance(gate, layersOpen);
  }

  /** Says that some restore moves on. */
  beat(): void {
    Atomics.add(this.#words, heartbeatWord, 1);
  }

  layersArrived(gate: number): number {
    checkGate(gate);
    return Atomics.load(this.#words, gate);
  }

  hasFailed(gate: number): boolean {
    checkGate(gate);
    return Atomics.load(this.#words, gatesMax + gate) !== 0;
  }

  /** Resolves once all `gates` have passed `layers`, or fails them when nothing moves any more. */
  async wait(gates: readonly number[], layers: number, clock: Clock): Promise<void> {
    let seen = Atomics.load(this.#words, heartbeatWord);
    let seenMs = clock.nowMs();
    while (gates.some((gate) => this.layersArrived(gate) < layers)) {
      await sleep(clock, pollMs);
      const beat = Atomics.load(this.#words, heartbeatWord);
      if (beat !== seen) {
        seen = beat;
        seenMs = clock.nowMs();
      } else if (clock.nowMs() - seenMs > Atomics.load(this.#words, stallMsWord)) {
        for (const gate of gates) {
          if (this.layersArrived(gate) < layers) this.fail(gate);
        }
      }
    }
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]();
  }
}

function checkGate(gate: number): void {
  assert(Number.isInteger(gate) && gate >= 0 && gate < gatesMax, "a gate of the runner");
}
