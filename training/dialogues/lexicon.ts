// Which words a split may use. First names and invented words belong to
// evaluation or to training by their hash, so copying is scored on words never
// seen. Everyday words are shared: a model that had never met "king" or "fork"
// would be a poor one.

import { FIRST_NAMES, PLAIN_WORDS, STORY_HEROES, TOPICS } from "./word-pools.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { capitalised } from "./phrasing.ts";

export type Split = "training" | "evaluation";

export type Lexicon = {
  split: Split;
  names: readonly string[];
  plainWords: readonly string[];
  heroes: readonly string[];
  topics: readonly string[];
  /** An invented lower-case word of two or three syllables. */
  inventedWord(random: SeededRandom): string;
};

const ONSETS = "b c d f g h j k l m n p r s t v w z br dr gr tr st pl fl sh ch th".split(" ");
const VOWELS = "a e i o u a e i o u ai ea oo".split(" ");
const CODAS = ["", "", "", "n", "r", "l", "m", "s", "k", "t", "x", "nd", "rt"];

/** FNV-1a: fixed and tiny, so that the split never changes between runs. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (const letter of word.toLowerCase()) {
    hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193) >>> 0;
  }
  return hash >>> 3;
}

export function isHeldOut(word: string): boolean {
  return hashOf(word) % 6 === 0;
}

function inventedWord(random: SeededRandom, heldOut: boolean): string {
  for (;;) {
    const syllables = random.chance(0.75) ? 2 : 3;
    let word = "";
    for (let index = 0; index < syllables; index += 1) {
      const last = index === syllables - 1;
      word += random.pick(ONSETS) + random.pick(VOWELS) + (last ? random.pick(CODAS) : "");
    }
    if (isHeldOut(word) === heldOut) return word;
  }
}

function lexiconOf(split: Split): Lexicon {
  const heldOut = split === "evaluation";
  const mine = (all: readonly string[]): string[] =>
    [...new Set(all)].filter((word) => isHeldOut(word) === heldOut);
  return {
    split,
    names: mine(FIRST_NAMES),
    plainWords: [...new Set(PLAIN_WORDS)],
    heroes: STORY_HEROES,
    topics: TOPICS,
    inventedWord: (random) => inventedWord(random, heldOut),
  };
}

export const TRAINING_LEXICON: Lexicon = lexiconOf("training");
export const EVALUATION_LEXICON: Lexicon = lexiconOf("evaluation");

export function inventedName(random: SeededRandom, lexicon: Lexicon): string {
  return capitalised(lexicon.inventedWord(random));
}
