// Does a text match a grammar? For tests: it tells what a schema's grammar accepts.
import { parseGrammar } from "./gbnf-parser.ts";
import { StackWalker } from "./gbnf-stacks.ts";

/** True when the whole of `text` is a sentence of `gbnf`, whose tokens match nothing. */
export function grammarMatches(gbnf: string, text: string): boolean {
  const walker = new StackWalker(parseGrammar(gbnf), 100_000);
  let set = walker.start();
  for (const character of text) {
    set = walker.advance(set, character.codePointAt(0) ?? 0);
    if (set.stacks.length === 0 && !set.complete) return false;
  }
  return set.complete;
}
