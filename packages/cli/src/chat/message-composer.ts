// Messages of several lines at a keyboard: a backslash at the end of a line, or three quotes around
// all of it, keep a message open. Pasted text needs neither.

import { assert } from "@loci/core";

/** What is longer is sent as it is. */
const messageCharsMax = 1_000_000;
const quotes = '"""';

export class MessageComposer {
  #lines: string[] = [];
  #chars = 0;
  #quoted = false;

  /** True while the message goes on: the next line belongs to it. */
  get isOpen(): boolean {
    return this.#lines.length > 0 || this.#quoted;
  }

  /** The message that `text` ends, or null when it goes on. */
  take(text: string): string | null {
    if (this.#quoted) return this.#takeQuoted(text);
    if (!this.isOpen && text.startsWith(quotes)) {
      this.#quoted = true;
      return this.#takeQuoted(text.slice(quotes.length));
    }
    if (!continues(text)) return this.#finish(text);
    return this.#keep(text.slice(0, -1));
  }

  /** Forgets what was written so far. */
  clear(): void {
    this.#lines = [];
    this.#chars = 0;
    this.#quoted = false;
  }

  checkIntegrity(): void {
    const chars = this.#lines.reduce((sum, line) => sum + line.length + 1, 0);
    assert(chars === this.#chars, "characters belong to lines");
    assert(chars <= messageCharsMax, "a message is bounded");
  }

  #takeQuoted(text: string): string | null {
    const closed = text.trimEnd();
    if (closed.endsWith(quotes)) return this.#finish(closed.slice(0, -quotes.length));
    return this.#keep(text);
  }

  #keep(line: string): string | null {
    if (this.#chars + line.length + 1 > messageCharsMax) return this.#finish(line);
    this.#lines.push(line);
    this.#chars += line.length + 1;
    return null;
  }

  #finish(line: string): string {
    const message = [...this.#lines, line].join("\n");
    this.clear();
    return message;
  }
}

/** Ends in an odd number of backslashes: two are one backslash and the end. */
function continues(line: string): boolean {
  const tail = /\\*$/.exec(line)?.[0] ?? "";
  return tail.length % 2 === 1;
}
