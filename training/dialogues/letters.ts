// Working on the letters of a word: spelling and reversing it, and repeating
// words as they stand. Reversing spells first, so each step is a small one.

import type { Exchange } from "./dialogue-types.ts";
import type { Lexicon } from "./lexicon.ts";
import { mentions, request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

const SPELL = [
  "[Spell|Please spell|Can you spell|Could you spell|Now spell|Spell out|Spell me] [|the word |the word ][{w}|\"{w}\"|'{w}'][.|?|]",
  "How do you [spell|write] [|the word ]{w}?",
  "[What are|Give me|Tell me] the letters of [|the word ]{w}[.|?|]",
];
const REVERSE = [
  "[Reverse|Please reverse|Can you reverse|Could you reverse|Now reverse|Turn around|Flip] [|the word |the word ][{w}|\"{w}\"|'{w}'][.|?|]",
  "[Spell|Write|Say] [|the word ]{w} backwards[.|?|]",
  "[What is|What's] {w} [backwards|reversed|in reverse][?|]",
];
const REPEAT = [
  "[Repeat after me|Repeat this|Please repeat|Say|Say this|Echo this|Repeat|Copy this]: {w}",
  '[Say|Repeat|Echo] "{w}"[.|]',
];

function word(random: SeededRandom, lexicon: Lexicon, longest: number): string {
  for (;;) {
    const roll = random.next();
    const real = roll < 0.15 ? lexicon.names : lexicon.plainWords;
    const candidate = roll < 0.6 ? random.pick(real) : lexicon.inventedWord(random);
    if (candidate.length <= longest) return candidate;
  }
}

function reversed(text: string): string {
  return text.split("").toReversed().join("");
}

/** The answer without hyphens and spaces between single letters. */
function joined(answer: string): string {
  return answer.toLowerCase().replace(/(?<=\b[a-z])[-\s,]+(?=[a-z]\b)/g, "");
}

export function spellingExchange(random: SeededRandom, lexicon: Lexicon): Exchange {
  const w = word(random, lexicon, 8);
  const spelled = w.split("").join("-");
  return {
    skill: "spelling",
    user: request(random, SPELL, { w }),
    assistant: `${spelled}.`,
    weight: 1.5,
    accepts: (answer) => mentions(answer, spelled),
  };
}

export function reversingExchange(random: SeededRandom, lexicon: Lexicon): Exchange {
  const w = word(random, lexicon, 6);
  const backwards = reversed(w);
  const spelled = backwards.split("").join("-");
  return {
    skill: "reversing",
    user: request(random, REVERSE, { w }),
    assistant: `${w.split("").join("-")} backwards is ${spelled}.`,
    weight: 1.5,
    accepts: (answer) => mentions(joined(answer), backwards),
  };
}

export function repeatingExchange(random: SeededRandom, lexicon: Lexicon): Exchange {
  const count = random.between(1, 5);
  const parts: string[] = [];
  for (let index = 0; index < count; index += 1) parts.push(word(random, lexicon, 12));
  const w = parts.join(" ");
  return {
    skill: "repeating",
    user: request(random, REPEAT, { w }),
    assistant: `${w}.`,
    weight: 1.5,
    accepts: (answer) => mentions(answer, w),
  };
}
