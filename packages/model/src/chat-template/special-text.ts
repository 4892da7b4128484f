// Text of users never becomes a special token. Before rendering, every occurrence of a special
// token's text in the chat's own strings is broken by a marker, a character that occurs nowhere
// else; after rendering, the text is cut at the markers. A tokenizer that reads the pieces one by
// one, special tokens included, then meets a special token only where the template wrote it. A
// chat without such text has one piece and is tokenised as by any other engine.
//
// A string may also hold only the front or the back of a special token, and a template may write
// two strings side by side; so a string that ends with a proper front (two characters or more) or
// starts with a proper back of one is broken as well.
import { assert, defined, LociError } from "@loci/core";
import { PatternSet } from "./pattern-set.ts";

/** Finds and breaks special-token text. Build once per model: it holds an automaton. */
export class SpecialText {
  readonly #forward: PatternSet;
  readonly #backward: PatternSet;

  /** Tokens of a single character cannot be broken and are ignored. */
  constructor(specialTokens: readonly string[]) {
    const breakable = specialTokens.filter((token) => Array.from(token).length >= 2);
    this.#forward = new PatternSet(breakable);
    this.#backward = new PatternSet(breakable.map((token) => reversed(token)));
  }

  /** Where `text` must be cut: ascending offsets inside it, none within a surrogate pair. */
  cuts(text: string): readonly number[] {
    if (this.#forward.isEmpty || text.length === 0) return [];
    const cuts: number[] = [];
    const start = this.#cutNearStart(text);
    if (start !== null) cuts.push(start);
    let last = start ?? 0;
    const endState = this.#forward.scan(text, (end, length) => {
      // The last cut lies inside this occurrence already: it is broken.
      if (last > end - length && last < end) return;
      last = previousBoundary(text, end);
      cuts.push(last);
    });
    // A front of a token at the very end: broken before its last character.
    if (endState.depth >= 2) {
      const cut = previousBoundary(text, text.length);
      const front = text.slice(text.length - endState.depth);
      if (cut > last && Array.from(front).length >= 2) cuts.push(cut);
    }
    return cuts;
  }

  /** After the first character, when `text` starts with the back of a special token. */
  #cutNearStart(text: string): number | null {
    const head = reversed(text.slice(0, this.#backward.patternLengthMax));
    const { depth } = this.#backward.scan(head, () => {});
    const cut = nextBoundary(text, 0);
    return depth > cut ? cut : null;
  }
}

/** Collects the cuts of one chat, then marks its strings and splits the rendered text. */
export class MarkerPlan {
  readonly #marker: string;

  /** `texts`: everything that can reach the output; the marker occurs in none of it. */
  constructor(texts: readonly string[]) {
    this.#marker = chooseMarker(texts);
  }

  /** `text` with the marker at each of `cuts`. */
  mark(text: string, cuts: readonly number[]): string {
    if (cuts.length === 0) return text;
    const pieces: string[] = [];
    let from = 0;
    for (const cut of cuts) {
      assert(cut > from && cut < text.length, "cuts ascend inside the text");
      pieces.push(text.slice(from, cut));
      from = cut;
    }
    pieces.push(text.slice(from));
    return pieces.join(this.#marker);
  }

  /** The rendered text in pieces, without markers and without empty pieces (but for no text). */
  split(rendered: string): readonly string[] {
    const escaped = `\\u${defined(this.#marker.codePointAt(0)).toString(16).padStart(4, "0")}`;
    // A template that escapes non-ASCII text would print the marker as an escape sequence.
    if (rendered.toLowerCase().includes(escaped)) {
      throw new LociError(
        "template_failed",
        "The chat holds text of a special token in a place where the model's template escapes it.",
        { remedy: "Remove the special-token text from the chat.", param: "messages" },
      );
    }
    const pieces = rendered.split(this.#marker).filter((piece) => piece !== "");
    return pieces.length === 0 ? [""] : pieces;
  }
}

/** Characters without a meaning: noncharacters first, then the private-use area. */
const markerRanges: readonly (readonly [number, number])[] = [
  [0xfdd0, 0xfdef],
  [0xe000, 0xf8ff],
];

function chooseMarker(texts: readonly string[]): string {
  const taken = new Set<string>();
  for (const text of texts) {
    for (const [character] of text.matchAll(/[\uE000-\uF8FF\uFDD0-\uFDEF]/gu)) taken.add(character);
  }
  for (const [low, high] of markerRanges) {
    for (let code = low; code <= high; code++) {
      const candidate = String.fromCodePoint(code);
      if (!taken.has(candidate)) return candidate;
    }
  }
  throw new LociError(
    "invalid_request",
    "The chat holds special-token text together with every private-use character.",
    { remedy: "Remove one or the other.", param: "messages" },
  );
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join("");
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function previousBoundary(text: string, offset: number): number {
  const before = offset - 1;
  const splitsPair =
    before > 0 &&
    isLowSurrogate(text.charCodeAt(before)) &&
    isHighSurrogate(text.charCodeAt(before - 1));
  return splitsPair ? before - 1 : before;
}

function nextBoundary(text: string, offset: number): number {
  const splitsPair =
    offset + 1 < text.length &&
    isHighSurrogate(text.charCodeAt(offset)) &&
    isLowSurrogate(text.charCodeAt(offset + 1));
  return offset + (splitsPair ? 2 : 1);
}
