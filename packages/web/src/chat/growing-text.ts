// Text that arrives in many small pieces and is shown a few times a second: painting each token would
// cost more than reading it.

import { signal, type ReadonlySignal } from "@preact/signals";
import type { BrowserClock, CancelTimer } from "../browser-clock.ts";

/** What is longer is cut; no answer is that long. */
export const textCharsMax: number = 1 << 20;
const publishMs = 40;

export class GrowingText {
  readonly #clock: BrowserClock;
  readonly #shown = signal("");
  #pieces: string[] = [];
  #chars = 0;
  #isReplaced = false;
  #cancelTimer: CancelTimer | null = null;

  constructor(clock: BrowserClock, start = "") {
    this.#clock = clock;
    this.#shown.value = start;
    this.#chars = start.length;
  }

  /** The text as far as it is shown. */
  get shown(): ReadonlySignal<string> {
    return this.#shown;
  }

  append(piece: string): void {
    const kept = piece.slice(0, Math.max(0, textCharsMax - this.#chars));
    if (kept === "") return;
    this.#chars += kept.length;
    this.#pieces.push(kept);
    this.#cancelTimer ??= this.#clock.after(publishMs, () => this.flush());
  }

  /** What follows replaces everything; until it comes the text stays as it is. */
  restart(): void {
    this.#pieces = [];
    this.#chars = 0;
    this.#isReplaced = true;
  }

  /** Shows everything now. */
  flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#pieces.length === 0) return;
    const more = this.#pieces.join("");
    this.#shown.value = this.#isReplaced ? more : this.#shown.value + more;
    this.#isReplaced = false;
    this.#pieces = [];
  }
}
