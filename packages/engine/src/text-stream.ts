// From token ids to the text a client may see. Tokens are bytes, and a character or a stop string
// can span several: text is released once no later token can change or withdraw it.

import { assert, defined } from "@loci/core";
import type { FinishReason } from "@loci/core";
import type { TokenText } from "./runner.ts";
import { StopMatcher, type StopMatch } from "./stop-matcher.ts";

export interface TextStreamOptions {
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  /** Nothing but `tokensMax` or the end of a grammar ends the answer before this many tokens. */
  readonly minTokens: number;
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  readonly ignoreEos: boolean;
}

export interface TextStep {
  /** What became certain with this token. */
  readonly text: string;
  /** Set when the answer ends with this token. */
  readonly end: TextEnd | null;
}

export interface TextEnd {
  readonly reason: FinishReason;
  /** The stop string, or the id out of `stopTokenIds`; null for the end of generation. */
  readonly stoppedBy: string | number | null;
  /** What was held back and is part of the answer after all. */
  readonly text: string;
}

export class TextStream {
  readonly #tokenText: TokenText;
  readonly #options: TextStreamOptions;
  readonly #stopTokenIds: ReadonlySet<number>;
  readonly #matcher: StopMatcher;
  // Keeps incomplete characters; what can never become valid turns into U+FFFD.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  /** The decoder may hold the start of a character. */
  #incomplete = false;
  /** Text that may be the start of a stop string. */
  #held = "";
  /** UTF-16 units decoded so far. */
  #length = 0;
  #tokens = 0;
  #isEnded = false;

  constructor(tokenText: TokenText, options: TextStreamOptions) {
    this.#tokenText = tokenText;
    this.#options = options;
    this.#stopTokenIds = new Set(options.stopTokenIds);
    // The text is well-formed, so a well-formed stop string never splits a character of it.
    this.#matcher = new StopMatcher(options.stop.map((stop) => stop.toWellFormed()));
  }

  /** Tokens so far, those that ended the answer included. */
  get tokens(): number {
    return this.#tokens;
  }

  /** The end of generation must not be chosen as the next token. */
  get eosBanned(): boolean {
    return !this.#options.ignoreEos && this.#tokens < this.#options.minTokens;
  }

  /** Reads the next token; not to be called after one that ended the answer. */
  push(tokenId: number, grammarEnded: boolean): TextStep {
    assert(!this.#isEnded, "an ended answer takes no more tokens");
    this.#tokens++;
    const mayStop = this.#tokens > this.#options.minTokens;
    if (mayStop && this.#stopTokenIds.has(tokenId)) return this.#end("", "stop", tokenId);
    if (mayStop && !this.#options.ignoreEos && this.#tokenText.isEndOfGeneration(tokenId)) {
      return this.#end("", "stop", null);
    }
    const piece = this.#decode(this.#tokenText.tokenBytes(tokenId));
    const match = this.#matcher.push(piece, !mayStop);
    if (match !== null) return this.#endAt(match, piece);
    const text = this.#release(piece);
    if (grammarEnded) return this.#end(text, "stop", null);
    if (this.#tokens >= this.#options.maxTokens) return this.#end(text, "length", null);
    return { text, end: null };
  }

  /**
   * Reads tokens that were generated, and delivered, elsewhere; returns how they end the answer, if
   * they do: nothing after that is read. What became certain with them was delivered, too.
   */
  replay(tokenIds: Int32Array, isConstrained: boolean): TextEnd | null {
    for (const [place, tokenId] of tokenIds.entries()) {
      // After its own end a grammar leaves nothing but the end of generation, whatever is banned.
      const isEnd = !this.#options.ignoreEos && this.#tokenText.isEndOfGeneration(tokenId);
      const grammarEnded = isConstrained && isEnd && place === tokenIds.length - 1;
      const { end } = this.push(tokenId, grammarEnded);
      if (end !== null) return end;
    }
    return null;
  }

  /** Everything still held back, for an answer that is cut off from outside. */
  flush(): string {
    const text = this.#held + (this.#incomplete ? this.#decoder.decode() : "");
    this.#held = "";
    this.#incomplete = false;
    this.#isEnded = true;
    return text;
  }

  #end(text: string, reason: FinishReason, stoppedBy: number | null): TextStep {
    return { text, end: { reason, stoppedBy, text: this.flush() } };
  }

  /** The answer ends where the stop string starts. */
  #endAt(match: StopMatch, piece: string): TextStep {
    const heldStart = this.#length - this.#held.length;
    const text = (this.#held + piece).slice(0, match.start - heldStart);
    this.#isEnded = true;
    return { text, end: { reason: "stop", stoppedBy: match.stop, text: "" } };
  }

  /** Appends a piece and takes out what can no longer be the start of a stop string. */
  #release(piece: string): string {
    const text = this.#held + piece;
    const certain = text.length - this.#matcher.heldLength;
    this.#length += piece.length;
    this.#held = text.slice(certain);
    return text.slice(0, certain);
  }

  #decode(bytes: Uint8Array): string {
    if (bytes.length === 0) return "";
    const text = this.#decoder.decode(bytes, { stream: true });
    // The decoder tells nothing about what it keeps; whole characters only end below 0x80 or
    // with a continuation byte, and flushing it for nothing does no harm.
    this.#incomplete = defined(bytes[bytes.length - 1]) >= 0x80;
    return text;
  }
}
