// Does a text match a grammar, and what would match? For tests: it tells what a schema's grammar
// accepts.
import { parseGrammar } from "./gbnf-parser.ts";
import { StackWalker, tellingCharacters } from "./gbnf-stacks.ts";

/** True when the whole of `text` is a sentence of `gbnf`, whose tokens match nothing. */
export function grammarMatches(gbnf: string, text: string): boolean {
  const walker = new StackWalker(parseGrammar(gbnf), 100_000);
  let set = walker.start();
  for (const character of text) {
    set = walker.advance(set, character.codePointAt(0) ?? 0);
    if (set.stacks.size === 0 && !set.complete) return false;
  }
  return set.complete;
}

const sentenceLengthMax = 160;
const wanderLengthMax = 30;

/**
 * A sentence of `gbnf` by `choose`, which returns any whole number: random at first, then out by
 * closing brackets; null when that does not end in time.
 */
export function sampleSentence(gbnf: string, choose: () => number): string | null {
  const walker = new StackWalker(parseGrammar(gbnf), 10_000);
  let set = walker.start();
  let text = "";
  while (text.length < sentenceLengthMax) {
    if (set.complete && (set.stacks.size === 0 || choose() % 4 === 0)) return text;
    const options = tellingCharacters(set)
      .filter((code) => code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff))
      .map((code) => ({ code, next: walker.advance(set, code) }))
      .filter(({ next }) => next.complete || next.stacks.size > 0);
    const closing = options.filter(({ code }) => '"]},:'.includes(String.fromCodePoint(code)));
    const pool = text.length > wanderLengthMax && closing.length > 0 ? closing : options;
    const chosen = pool[choose() % Math.max(1, pool.length)];
    if (chosen === undefined) return null;
    text += String.fromCodePoint(chosen.code);
    set = chosen.next;
  }
  return null;
}
