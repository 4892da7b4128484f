// Finds the first of several stop strings in a text that arrives in pieces, in constant time per
// character: one Knuth-Morris-Pratt automaton per string. The longest state is the length of text
// that could still turn out to be the start of a stop string and must be held back.

import { assert, defined } from "@loci/core";

export interface StopMatch {
  readonly stop: string;
  /** Where the match starts and ends, in UTF-16 units since the start of the text. */
  readonly start: number;
  readonly end: number;
}

interface Automaton {
  readonly text: string;
  /** For each matched length, the longest shorter length that also ends here. */
  readonly fallback: Int32Array;
  matched: number;
}

export class StopMatcher {
  readonly #automata: readonly Automaton[];
  #position = 0;

  constructor(stops: readonly string[]) {
    this.#automata = stops.map((text) => {
      assert(text.length > 0, "a stop string is not empty");
      return { text, fallback: fallbackOf(text), matched: 0 };
    });
  }

  /** Length of the end of the text so far that could be the start of a stop string. */
  get heldLength(): number {
    let held = 0;
    for (const automaton of this.#automata) held = Math.max(held, automaton.matched);
    return held;
  }

  /**
   * Reads the next piece. Returns the match that is complete first (of several that end at the same
   * place, the longest); what follows it in the piece is not read. With `ignore`, matches are
   * passed over.
   */
  push(piece: string, ignore = false): StopMatch | null {
    if (this.#automata.length === 0) return null;
    for (let index = 0; index < piece.length; index++) {
      const match = this.#step(piece.charCodeAt(index));
      if (match !== null && !ignore) return match;
    }
    return null;
  }

  #step(unit: number): StopMatch | null {
    this.#position++;
    let longest: string | null = null;
    for (const automaton of this.#automata) {
      if (advance(automaton, unit) && automaton.text.length > (longest?.length ?? 0)) {
        longest = automaton.text;
      }
    }
    const end = this.#position;
    return longest === null ? null : { stop: longest, start: end - longest.length, end };
  }
}

/** Moves on by one unit; true when the whole text has just been matched. */
function advance(automaton: Automaton, unit: number): boolean {
  const { text, fallback } = automaton;
  let { matched } = automaton;
  while (matched > 0 && text.charCodeAt(matched) !== unit) matched = defined(fallback[matched]);
  if (text.charCodeAt(matched) === unit) matched++;
  const complete = matched === text.length;
  automaton.matched = complete ? defined(fallback[matched]) : matched;
  return complete;
}

function fallbackOf(text: string): Int32Array {
  const fallback = new Int32Array(text.length + 1);
  let matched = 0;
  for (let length = 2; length <= text.length; length++) {
    const unit = text.charCodeAt(length - 1);
    while (matched > 0 && text.charCodeAt(matched) !== unit) matched = defined(fallback[matched]);
    if (text.charCodeAt(matched) === unit) matched++;
    fallback[length] = matched;
  }
  return fallback;
}
