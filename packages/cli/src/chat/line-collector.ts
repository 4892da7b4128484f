// Lines into messages. Return ends a message, but the returns inside pasted text do not: a
// terminal marks pasted text by bracketed paste, and lines of one chunk arrive without a pause.

import { assert } from "@loci/core";

/** A paste of more characters is sent in pieces. */
const messageCharsMax = 1_000_000;

export class LineCollector {
  readonly #send: (message: string) => void;
  readonly #schedule: (action: () => void) => void;
  readonly #lines: string[] = [];
  #chars = 0;
  #pasting = false;
  #scheduled = false;

  /** `schedule` runs an action after the input at hand was read (`setImmediate`). */
  constructor(send: (message: string) => void, schedule: (action: () => void) => void) {
    this.#send = send;
    this.#schedule = schedule;
  }

  pasteStarted(): void {
    this.#pasting = true;
  }

  /** The last pasted line stays in the editor: the next return ends the message. */
  pasteEnded(): void {
    this.#pasting = false;
  }

  line(text: string): void {
    this.#lines.push(text);
    this.#chars += text.length + 1;
    if (this.#chars > messageCharsMax) this.#flush();
    else if (!this.#pasting) this.#scheduleFlush();
  }

  checkIntegrity(): void {
    assert(this.#chars <= messageCharsMax, "a message is bounded");
    assert((this.#chars === 0) === (this.#lines.length === 0), "characters belong to lines");
  }

  #scheduleFlush(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => {
      this.#scheduled = false;
      // A paste that began meanwhile continues the message.
      if (!this.#pasting) this.#flush();
    });
  }

  #flush(): void {
    if (this.#lines.length === 0) return;
    this.#chars = 0;
    this.#send(this.#lines.splice(0).join("\n"));
  }
}
