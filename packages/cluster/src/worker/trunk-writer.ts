// One answer's way into a trunk: as many lines as its reader has said that there is room for. A
// reader that gives no room for long loses its answer, and nobody else's waits meanwhile.

import { assert, LociError } from "@loci/core";
import type { Clock } from "@loci/core";
import { encodeError } from "../wire/generation-lines.ts";
import { trunkWindow } from "../wire/trunk-lines.ts";
import type { AnswerWriter } from "./answer-writer.ts";

export interface TrunkWriterParts {
  readonly clock: Clock;
  readonly slowReaderMs: number;
  /** Puts a line into the trunk's next parcel. */
  readonly send: (line: string) => void;
  /** The connection takes no more at present. */
  readonly isFull: () => boolean;
}

export class TrunkWriter implements AnswerWriter {
  readonly #parts: TrunkWriterParts;
  readonly #gone = new AbortController();
  #room = trunkWindow;
  #wake: (() => void) | null = null;

  constructor(parts: TrunkWriterParts) {
    this.#parts = parts;
  }

  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** A reader that gave no room in time counts as one that has left. */
  async write(line: string): Promise<void> {
    if (this.#mustWait) await this.#waitForRoom();
    if (this.#gone.signal.aborted) throw left();
    this.#room--;
    this.#parts.send(line);
  }

  /** The reader took so many lines. Clamped: it never has room for more than the window. */
  grant(lines: number): void {
    this.#room = Math.min(trunkWindow, this.#room + lines);
    this.wake();
  }

  /** Whoever waits looks whether there is room now. */
  wake(): void {
    this.#wake?.();
    this.#wake = null;
  }

  /** The reader has left, or its connection has. */
  leave(): void {
    this.#gone.abort();
    this.wake();
  }

  /** Its last word needs no room. */
  destroy(): void {
    if (this.#gone.signal.aborted) return;
    this.#parts.send(encodeError(new LociError("internal", "The worker gave the answer up.")));
    this.leave();
  }

  checkIntegrity(): void {
    assert(this.#room >= 0 && this.#room <= trunkWindow, "room is within the window");
  }

  get #mustWait(): boolean {
    return !this.#gone.signal.aborted && (this.#room === 0 || this.#parts.isFull());
  }

  async #waitForRoom(): Promise<void> {
    const { clock, slowReaderMs } = this.#parts;
    const cancel = clock.after(slowReaderMs, () => this.destroy());
    while (this.#mustWait) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    cancel();
  }
}

function left(): LociError {
  return new LociError("cancelled", "The reader of a stream has left.");
}
