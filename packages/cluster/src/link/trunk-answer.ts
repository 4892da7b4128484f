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
  readonly #lines: unknown[] = [];
  /** Lines before it were taken. */
  #taken = 0;
  /** Lines taken since room was given. */
  #takenSince = 0;
  #error: unknown = null;
  #hasLeft = false;
  /** Whoever waits for the next line; then there are none. */
  #reader: PromiseWithResolvers<unknown> | null = null;
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
    // One more than there is room for: the last word of a worker that gives the answer up.
    if (this.#lines.length - this.#taken + this.#takenSince > trunkWindow) {
      throw new WireError("an answer has more lines than there was room for");
    }
    if (this.#reader === null) {
      this.#lines.push(line);
      return;
    }
    this.#counted();
    this.#reader.resolve(line);
    this.#reader = null;
  }

  /** Nothing more comes. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#leave(true);
  }

  next(): Promise<unknown> {
    assert(this.#reader === null, "an answer has one reader, who waits for one line at a time");
    if (this.#taken < this.#lines.length) {
      this.#counted();
      return Promise.resolve(this.#lines[this.#taken++]);
    }
    this.#lines.length = 0;
    this.#taken = 0;
    if (this.#error !== null) return Promise.reject(this.#error);
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  release(): void {
    this.#leave(true);
  }

  destroy(): void {
    this.#error ??= new Error("the answer was broken off");
    this.#leave(false);
  }

  checkIntegrity(): void {
    assert(this.#taken <= this.#lines.length, "lines are taken once");
    assert(this.#reader === null || this.#taken === this.#lines.length, "no line is kept back");
    const untold = this.#lines.length - this.#taken + this.#takenSince;
    assert(untold <= trunkWindow + 1, "lines that wait are bounded");
  }

  /** One more line is taken. */
  #counted(): void {
    this.#takenSince++;
    if (this.#takenSince < roomLines || this.#hasLeft) return;
    this.#ends.room(this.#takenSince);
    this.#takenSince = 0;
  }

  /** Only what is here will yet be read. */
  #leave(isOver: boolean): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#signal.removeEventListener("abort", this.#aborted);
    this.#ends.left(isOver);
    this.#reader?.reject(this.#error);
    this.#reader = null;
  }
}
