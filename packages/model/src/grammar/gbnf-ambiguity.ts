// How many ways to read one text may be open at once? That decides what a step costs in
// llama.cpp's matcher. There is no formula for it, so the worst text is searched for: first a few
// of the most promising texts side by side, then the most promising one alone, for longer.
import { assert } from "@loci/core";
import { gbnfLimits } from "./gbnf-limits.ts";
import { GbnfError, type ParsedGrammar } from "./gbnf-parser.ts";
import { StackLimitError, StackWalker, tellingCharacters, type StackSet } from "./gbnf-stacks.ts";

const search = {
  /** Texts followed side by side, and for how many characters. */
  width: 4,
  lengthMax: 40,
  /** The single text after that. */
  aloneLengthMax: 400,
  /** Next characters tried for a text, side by side and alone. */
  charactersMax: 16,
  aloneCharactersMax: 4,
  /** Work in all: stacks looked at, and stacks remembered. */
  looksMax: 100_000,
  knownMax: 100_000,
} as const;

assert(search.aloneLengthMax > gbnfLimits.stacksMax, "steady growth reaches the bound");

/** Throws GbnfError when some text has more than `stacksMax` open readings. */
export function checkAmbiguity(grammar: ParsedGrammar): void {
  try {
    new AmbiguitySearch(grammar).run();
  } catch (error) {
    if (!(error instanceof StackLimitError)) throw error;
    throw new GbnfError(
      `it is too ambiguous: one text has more than ${gbnfLimits.stacksMax} open readings; ` +
        "write alternatives and repetitions so that the next character decides",
      0,
    );
  }
}

class AmbiguitySearch {
  readonly #walker: StackWalker;
  #looksLeft: number = search.looksMax;

  constructor(grammar: ParsedGrammar) {
    this.#walker = new StackWalker(grammar, gbnfLimits.stacksMax);
  }

  run(): void {
    let front: StackSet[] = [this.#walker.start()];
    for (let length = 0; length < search.lengthMax && front.length > 0; length++) {
      const next = front.flatMap((set) => this.#successors(set, search.charactersMax));
      if (next.length === 0) return;
      front = mostPromising(next, search.width);
    }
    let alone = mostPromising(front, 1)[0];
    for (let length = 0; length < search.aloneLengthMax && alone !== undefined; length++) {
      alone = mostPromising(this.#successors(alone, search.aloneCharactersMax), 1)[0];
    }
  }

  #successors(set: StackSet, charactersMax: number): StackSet[] {
    const successors: StackSet[] = [];
    for (const code of sampled(tellingCharacters(set), charactersMax)) {
      if (this.#looksLeft <= 0 || this.#walker.knownCount > search.knownMax) break;
      const next = this.#walker.advance(set, code);
      this.#looksLeft -= set.stacks.length + next.stacks.length + 1;
      if (next.stacks.length > 0) successors.push(next);
    }
    return successors;
  }
}

/** At most `count` of `items`, evenly spread. */
function sampled(items: readonly number[], count: number): readonly number[] {
  if (items.length <= count) return items;
  return Array.from({ length: count }, (_, index) => {
    const item = items[Math.floor((index * items.length) / count)];
    assert(item !== undefined, "the sample lies within the items");
    return item;
  });
}

function mostPromising(sets: readonly StackSet[], count: number): StackSet[] {
  return sets.toSorted((a, b) => b.stacks.length - a.stacks.length).slice(0, count);
}
