// The prompt of a conversation's next turn, from the tokens of its last one.
//
// A text has many tokenisations, and a model answers in whichever it samples. Tokenising the history
// again would therefore yield other ids than those whose keys and values are cached, and the prefix
// would break where the text did not change at all. So the history is never tokenised again: the
// stored ids are kept for as long as the new rendering spells the same text.
//
//   stored    [ prompt of the last turn | its answer ]
//   rendered  [ the same text, cut differently perhaps | what is new ]
//   prompt    [ stored ids, exactly                    | ids of what is new ]
//
// Both are read as one sequence of symbols: the bytes of ordinary tokens, and each control token as
// a symbol of its own. Where they differ the template has rewritten history: the prompt follows the
// new rendering from the last place where both have a token's border, and the fork is told.

import { defined } from "@loci/core";
import type { TextCodec } from "@loci/core";

/** Where a new rendering leaves the stored tokens. */
export interface PromptFork {
  /** Index of the first stored token whose text differs. */
  readonly position: number;
  readonly firstDifferingToken: number;
  /** What stood there, and what stands there now; at most some tokens of it. */
  readonly oldText: string;
  readonly newText: string;
}

export interface ContinuedPrompt {
  readonly promptTokens: Int32Array;
  /** So many of the stored tokens begin the prompt. */
  readonly keptTokens: number;
  /** Null when the new rendering continues all of the stored text. */
  readonly fork: PromptFork | null;
}

/** In one word: whether there were stored tokens, and whether they were continued. */
export function historyOutcome({
  keptTokens,
  fork,
}: ContinuedPrompt): "none" | "continued" | "forked" {
  if (fork !== null) return "forked";
  return keptTokens === 0 ? "none" : "continued";
}

export type TokenTexts = Pick<TextCodec, "tokenBytes" | "tokenize">;

const forkTextTokensMax = 16;

/** The prompt for `rendered`, beginning with as much of `stored` as says the same. */
export async function continuePrompt(
  stored: Int32Array,
  rendered: Int32Array,
  codec: TokenTexts,
): Promise<ContinuedPrompt> {
  const bytesOf = (token: number): Uint8Array => codec.tokenBytes(token);
  const walk = new Walk(stored, rendered, bytesOf);
  walk.run();
  const { storedAt, renderedAt, renderedByte } = walk;
  if (!walk.isContinued) {
    const { promptTokens, keptTokens } = joined(stored, walk.border.stored, rendered, walk.border);
    const fork = walk.onlyEndDiffers ? null : forkAt(stored, rendered, walk, bytesOf);
    return { promptTokens, keptTokens, fork };
  }
  if (renderedByte === 0) {
    return { ...joined(stored, storedAt, rendered, { rendered: renderedAt }), fork: null };
  }
  const cut = restOfText(rendered, renderedAt, renderedByte, bytesOf);
  const middle = await tokensSpelling(cut.bytes, codec);
  if (middle === null) {
    return { ...joined(stored, walk.border.stored, rendered, walk.border), fork: null };
  }
  const tail = rendered.subarray(cut.end);
  return {
    promptTokens: Int32Array.from([...stored, ...middle, ...tail]),
    keptTokens: stored.length,
    fork: null,
  };
}

function joined(
  stored: Int32Array,
  keptTokens: number,
  rendered: Int32Array,
  from: { readonly rendered: number },
): Omit<ContinuedPrompt, "fork"> {
  const tail = rendered.subarray(from.rendered);
  const promptTokens = new Int32Array(keptTokens + tail.length);
  promptTokens.set(stored.subarray(0, keptTokens));
  promptTokens.set(tail, keptTokens);
  return { promptTokens, keptTokens };
}

/** Reads both sequences side by side until one ends or they differ. */
class Walk {
  readonly #stored: Int32Array;
  readonly #rendered: Int32Array;
  readonly #bytesOf: (token: number) => Uint8Array;
  /** The tokens being read, and how many of their bytes are. */
  storedAt: number;
  renderedAt: number;
  #storedByte = 0;
  renderedByte = 0;
  /** The last place where a token begins in both. */
  border: { readonly stored: number; readonly rendered: number };

  constructor(stored: Int32Array, rendered: Int32Array, bytesOf: (token: number) => Uint8Array) {
    this.#stored = stored;
    this.#rendered = rendered;
    this.#bytesOf = bytesOf;
    const common = commonLength(stored, rendered);
    this.storedAt = common;
    this.renderedAt = common;
    this.border = { stored: common, rendered: common };
  }

  /** All stored text is in the rendering. */
  get isContinued(): boolean {
    return this.storedAt === this.#stored.length;
  }

  /**
   * Nothing but a control token at the very end was not found again: how an answer ends is no text
   * of it, and the template writes the end it wants.
   */
  get onlyEndDiffers(): boolean {
    const isLast = this.storedAt === this.#stored.length - 1;
    return isLast && this.#bytesOf(defined(this.#stored[this.storedAt])).length === 0;
  }

  run(): void {
    while (this.storedAt < this.#stored.length && this.renderedAt < this.#rendered.length) {
      if (!this.#step()) return;
      if (this.#storedByte === 0 && this.renderedByte === 0) {
        this.border = { stored: this.storedAt, rendered: this.renderedAt };
      }
    }
  }

  /** Reads on to the next border of either; false when the two differ before it. */
  #step(): boolean {
    const old = defined(this.#stored[this.storedAt]);
    const young = defined(this.#rendered[this.renderedAt]);
    const oldBytes = this.#bytesOf(old);
    const youngBytes = this.#bytesOf(young);
    if (oldBytes.length === 0 || youngBytes.length === 0) {
      if (old !== young || this.#storedByte > 0 || this.renderedByte > 0) return false;
      this.storedAt++;
      this.renderedAt++;
      return true;
    }
    const count = Math.min(
      oldBytes.length - this.#storedByte,
      youngBytes.length - this.renderedByte,
    );
    for (let offset = 0; offset < count; offset++) {
      const same = oldBytes[this.#storedByte + offset] === youngBytes[this.renderedByte + offset];
      if (!same) return false;
    }
    this.#storedByte += count;
    this.renderedByte += count;
    if (this.#storedByte === oldBytes.length) {
      this.storedAt++;
      this.#storedByte = 0;
    }
    if (this.renderedByte === youngBytes.length) {
      this.renderedAt++;
      this.renderedByte = 0;
    }
    return true;
  }
}

function commonLength(one: Int32Array, other: Int32Array): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one[length] === other[length]) length++;
  return length;
}

interface TextRest {
  readonly bytes: Uint8Array;
  /** Index of the token after the text. */
  readonly end: number;
}

/** The bytes from within a token up to the next control token. */
function restOfText(
  tokens: Int32Array,
  at: number,
  byte: number,
  bytesOf: (token: number) => Uint8Array,
): TextRest {
  const parts = [bytesOf(defined(tokens[at])).subarray(byte)];
  let end = at + 1;
  for (; end < tokens.length; end++) {
    const bytes = bytesOf(defined(tokens[end]));
    if (bytes.length === 0) break;
    parts.push(bytes);
  }
  return { bytes: Buffer.concat(parts), end };
}

/** Ids that spell exactly `bytes`; null when they are no text or the tokeniser adds to them. */
async function tokensSpelling(bytes: Uint8Array, codec: TokenTexts): Promise<Int32Array | null> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // The border runs through a character.
    return null;
  }
  const tokens = await codec.tokenize(text, { addSpecial: false, parseSpecial: false });
  const spelt = Buffer.concat([...tokens].map((token) => codec.tokenBytes(token)));
  return spelt.equals(bytes) ? tokens : null;
}

function forkAt(
  stored: Int32Array,
  rendered: Int32Array,
  walk: Walk,
  bytesOf: (token: number) => Uint8Array,
): PromptFork {
  const excerpt = (tokens: Int32Array, at: number): string => {
    const some = [...tokens.subarray(at, at + forkTextTokensMax)];
    const pieces = some.map((token) => {
      const bytes = bytesOf(token);
      return bytes.length === 0 ? Buffer.from(`<token ${token}>`) : bytes;
    });
    return Buffer.concat(pieces).toString("utf8");
  };
  return {
    position: walk.storedAt,
    firstDifferingToken: defined(stored[walk.storedAt]),
    oldText: excerpt(stored, walk.storedAt),
    newText: excerpt(rendered, walk.renderedAt),
  };
}
