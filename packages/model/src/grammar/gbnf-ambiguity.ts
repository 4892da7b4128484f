// How many ways to read one text may be open at once? That decides what a step costs in
// llama.cpp's matcher: it copies one stack per way, and for a token that it rejects it walks every
// path through the token's characters, of which there may be exponentially many. There is no
// formula for the worst text, so it is searched for: a few of the most promising texts side by
// side; runs of one character, which are the longest tokens of vocabularies; and the most
// promising text alone for longer, which finds what grows steadily.
import { assert, uniformAt } from "@loci/core";
import { gbnfLimits } from "./gbnf-limits.ts";
import { GbnfError, type ParsedGrammar } from "./gbnf-parser.ts";
import {
  StackLimitError,
  StackWalker,
  tellingCharacters,
  withSinglePaths,
  type StackSet,
} from "./gbnf-stacks.ts";

const search = {
  /** Texts followed side by side: the most promising, and some of the others by chance. */
  width: 6,
  chanceWidth: 3,
  /** For how many characters. */
  lengthMax: 40,
  /** Characters of an ordinary token; paths are counted over so many. */
  tokenLength: 20,
  /** Characters of a token that is a run of one, and runs tried. */
  runLength: 96,
  runsMax: 48,
  runLooksMax: 2000,
  /** The single text after that. */
  aloneLengthMax: 400,
  /** Next characters tried for a text, side by side and alone. */
  charactersMax: 16,
  aloneCharactersMax: 4,
  /** Work in all: stacks looked at, and stacks remembered. */
  looksMax: 150_000,
  knownMax: 100_000,
} as const;

assert(search.aloneLengthMax > gbnfLimits.stacksMax, "steady growth reaches the bound");

/** Throws GbnfError when some text has more than `stacksMax` readings or `pathsMax` paths. */
export function checkAmbiguity(grammar: ParsedGrammar): void {
  try {
    new AmbiguitySearch(grammar).run();
  } catch (error) {
    if (!(error instanceof StackLimitError)) throw error;
    throw new GbnfError(
      `it is too ambiguous: one text has more than ${gbnfLimits.stacksMax} open readings ` +
        `or ${gbnfLimits.pathsMax} ways to them; ` +
        "write alternatives and repetitions so that the next character decides",
      0,
    );
  }
}

class AmbiguitySearch {
  readonly #walker: StackWalker;
  #looksLeft: number = search.looksMax;
  #runsLeft: number = search.runsMax;
  /** Sets whose successors were tried: another text that leads there adds nothing. */
  readonly #tried = new Set<string>();

  constructor(grammar: ParsedGrammar) {
    this.#walker = new StackWalker(grammar, gbnfLimits.stacksMax);
  }

  run(): void {
    let front: readonly StackSet[] = [this.#walker.start()];
    for (let length = 0; length < search.lengthMax && front.length > 0; length++) {
      if (length % search.tokenLength === 0) front = front.map((set) => withSinglePaths(set));
      const next = front.flatMap((set) => this.#successors(set, search.charactersMax));
      if (next.length === 0) return;
      front = selected(next, length);
    }
    let alone: StackSet | undefined = selected(front, 0)[0];
    for (let length = 0; length < search.aloneLengthMax && alone !== undefined; length++) {
      const from = withSinglePaths(alone);
      alone = selected(this.#successors(from, search.aloneCharactersMax), length)[0];
    }
  }

  #successors(set: StackSet, charactersMax: number): StackSet[] {
    const successors: StackSet[] = [];
    const key = keyOf(set);
    if (this.#tried.has(key)) return successors;
    this.#tried.add(key);
    for (const code of sampled(tellingCharacters(set), charactersMax)) {
      const next = this.#advance(set, code);
      if (next === null) continue;
      successors.push(next);
      // Two readings after one character may become many after a run of it.
      // Half of the work is kept for the texts themselves.
      const hasRuns = this.#runsLeft > 0 && this.#looksLeft > search.looksMax / 2;
      if (next.stacks.size > 1 && hasRuns) this.#tryRun(next, code);
    }
    return successors;
  }

  #tryRun(from: StackSet, code: number): void {
    this.#runsLeft--;
    let set: StackSet | null = withSinglePaths(from);
    const looksKept = this.#looksLeft - search.runLooksMax;
    for (let length = 1; length < search.runLength && set !== null; length++) {
      if (this.#looksLeft < looksKept) return;
      set = this.#advance(set, code);
    }
  }

  /** Null when nothing is left to read, or no work to spend. */
  #advance(set: StackSet, code: number): StackSet | null {
    if (this.#looksLeft <= 0 || this.#walker.knownCount > search.knownMax) return null;
    const next = this.#walker.advance(set, code);
    this.#looksLeft -= set.stacks.size + next.stacks.size + 1;
    if (next.paths > gbnfLimits.pathsMax) throw new StackLimitError();
    return next.stacks.size > 0 ? next : null;
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

/** The most promising of `sets`, each once, and a few of the others, the same ones every time. */
function selected(sets: readonly StackSet[], round: number): readonly StackSet[] {
  const distinct = new Map(sets.map((set) => [keyOf(set), set]));
  const sorted = [...distinct.values()].toSorted((a, b) => promiseOf(b) - promiseOf(a));
  const others = sorted.slice(search.width);
  const picked = Array.from({ length: search.chanceWidth }, (_, index) => {
    return others[Math.floor(uniformAt(round, index) * others.length)];
  });
  return [...new Set([...sorted.slice(0, search.width), ...picked])].filter(
    (set) => set !== undefined,
  );
}

function promiseOf(set: StackSet): number {
  return set.paths + 4 * set.stacks.size;
}

/** Equal for sets with the same stacks and numbers of paths. */
function keyOf(set: StackSet): string {
  return [...set.stacks]
    .map(([stack, paths]) => `${stack.id}:${paths}`)
    .toSorted()
    .join(" ");
}
