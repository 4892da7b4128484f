// One answer on a trunk: the lines that wait for their reader. There are never more than the worker
// was told that there is room for; room is given anew as lines are taken.

import { assert } from "@loci/core";
import { trunkWindow } from "../wire/trunk-lines.ts";
import { WireError } from "../wire/wire-error.ts";
import type { AnswerLines } from "./answer-lines.ts";

/** Room is given when so many lines were taken, not for each. */
const roomLines: number = trunkWindow / 2;

/** What becomes of an answer, for its trunk. */
export interface AnswerEnds {
  /** Its reader has room for so many more lines. */
  readonly room: (lines: number) => void;
  /** Nobody reads it any more; `isOver`: the worker has said all. */
  readonly left: (isOver: boolean) => void;
}

export class TrunkAnswer implements AnswerLines {
  readonly #ends: AnswerEnds;
  readonly #signal: AbortSignal;
  #lines: unknown[] = [];
  /** Lines before it were taken. */
  #taken = 0;
  /** Lines taken since room was given. */
  #takenSince = 0;
  #error: unknown = null;
  #hasLeft = false;
  #wake: (() => void) | null = null;
  readonly #aborted = (): void => {
    this.destroy();
  };

  constructor(signal: AbortSignal, ends: AnswerEnds) {
    this.#ends = ends;
    this.#signal = signal;
    signal.addEventListener("abort", this.#aborted, { once: true });
  }

  /** The worker said so. Throws WireError when it was not to say any more. */
  take(line: unknown): void {
    if (this.#lines.length - this.#taken + this.#takenSince > trunkWindow) {
      throw new WireError("an answer has more lines than there was room for");
    }
    this.#lines.push(line);
    this.#signalReader();
  }

  /** Nothing more comes. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#leave(true);
    this.#signalReader();
  }

  async next(): Promise<unknown> {
    while (this.#taken >= this.#lines.length) {
      this.#lines.length = 0;
      this.#taken = 0;
      if (this.#error !== null) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const line = this.#lines[this.#taken++];
    this.#takenSince++;
    if (this.#takenSince >= roomLines && !this.#hasLeft) {
      this.#ends.room(this.#takenSince);
      this.#takenSince = 0;
    }
    return line;
  }

  release(): void {
    this.#leave(true);
  }

  destroy(): void {
    this.#error ??= new Error("the answer was broken off");
    this.#leave(false);
    this.#signalReader();
  }

  checkIntegrity(): void {
    assert(this.#taken <= this.#lines.length, "lines are taken once");
    const untold = this.#lines.length - this.#taken + this.#takenSince;
    assert(untold <= trunkWindow + 1, "lines that wait are bounded");
  }

  #leave(isOver: boolean): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#signal.removeEventListener("abort", this.#aborted);
    this.#ends.left(isOver);
  }

  #signalReader(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
