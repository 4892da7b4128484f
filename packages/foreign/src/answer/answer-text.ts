// From token ids to the text a client may see, for engines whose own text ends wherever a chunk does.
// Tokens are bytes: a character or a stop string can span several, and also begin in what another
// worker has delivered. Text is released once no later token can change or withdraw it.

export interface AnswerTextOptions {
  readonly stop: readonly string[];
  /** No stop string counts before this many tokens. */
  readonly minTokens: number;
}

export interface AnswerStep {
  /** What became certain with this token. */
  readonly text: string;
  /** The stop string that ended the answer; null when it goes on. */
  readonly stoppedBy: string | null;
}

export class AnswerText {
  readonly #stops: readonly string[];
  readonly #minTokens: number;
  // Keeps incomplete characters; what can never become valid turns into U+FFFD.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held = "";
  #tokens = 0;

  constructor(options: AnswerTextOptions) {
    // The text is well-formed, so a well-formed stop string never splits a character of it.
    this.#stops = options.stop.map((stop) => stop.toWellFormed()).filter((stop) => stop !== "");
    this.#minTokens = options.minTokens;
  }

  /** Reads the bytes of the next token. */
  push(bytes: Uint8Array): AnswerStep {
    this.#tokens++;
    const piece = bytes.length === 0 ? "" : this.#decoder.decode(bytes, { stream: true });
    const before = this.#held.length;
    const text = this.#held + piece;
    const match = this.#tokens > this.#minTokens ? firstStop(text, this.#stops, before) : null;
    if (match !== null) {
      this.#held = "";
      return { text: text.slice(0, match.start), stoppedBy: match.stop };
    }
    const held = Math.max(0, ...this.#stops.map((stop) => startLength(text, stop)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held), stoppedBy: null };
  }

  /** Everything still held back, for an answer that ends otherwise. */
  flush(): string {
    const text = this.#held + this.#decoder.decode();
    this.#held = "";
    return text;
  }
}

/** Of the stop strings that end after `from`, the one complete first; of equal ones the longest. */
function firstStop(
  text: string,
  stops: readonly string[],
  from: number,
): { readonly stop: string; readonly start: number } | null {
  let best: { readonly stop: string; readonly start: number; readonly end: number } | null = null;
  for (const stop of stops) {
    const start = text.indexOf(stop, Math.max(0, from - stop.length + 1));
    if (start < 0) continue;
    const end = start + stop.length;
    const isLonger = best !== null && end === best.end && stop.length > best.stop.length;
    if (best === null || end < best.end || isLonger) best = { stop, start, end };
  }
  return best;
}

/** Length of the longest end of `text` that a longer `stop` begins with. */
function startLength(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
