// Puts exchanges together into one conversation: facts are told as it goes
// and asked for again at every distance, between all the other skills.

import type { Exchange } from "./dialogue-types.ts";
import { knowledgeExchange } from "./general-knowledge.ts";
import { repeatingExchange, reversingExchange, spellingExchange } from "./letters.ts";
import type { Lexicon } from "./lexicon.ts";
import type { Fact } from "./recall.ts";
import {
  askExchange,
  askUntoldExchange,
  correctExchange,
  newFact,
  tellExchange,
  tellTwoExchange,
  untoldAttribute,
} from "./recall.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { countingExchange, listingExchange } from "./sequences.ts";
import { greetingExchange, introductionExchange, smallTalkExchange } from "./small-talk.ts";
import { storyExchange } from "./stories.ts";
import { sumExchange } from "./sums.ts";
import { unknownExchange } from "./unknown-requests.ts";

type MakeExchange = (random: SeededRandom, lexicon: Lexicon) => Exchange;

/** Every skill but recall, with how often it comes. */
const SKILLS: readonly (readonly [number, MakeExchange])[] = [
  [4, greetingExchange],
  [3, introductionExchange],
  [5, smallTalkExchange],
  [12, countingExchange],
  [10, listingExchange],
  [20, spellingExchange],
  [16, reversingExchange],
  [12, repeatingExchange],
  [16, sumExchange],
  [6, knowledgeExchange],
  [9, unknownExchange],
  [4, (random, lexicon) => storyExchange(random, lexicon, "short")],
  [2, (random, lexicon) => storyExchange(random, lexicon, "plain")],
];
const LONG_ANSWERS: readonly (readonly [number, MakeExchange])[] = [
  [3, (random, lexicon) => storyExchange(random, lexicon, "long")],
  [2, (random, lexicon) => storyExchange(random, lexicon, "very long")],
];

function weighted(random: SeededRandom, choices: typeof SKILLS): MakeExchange {
  let rest = random.next() * choices.reduce((sum, [weight]) => sum + weight, 0);
  for (const [weight, make] of choices) {
    rest -= weight;
    if (rest < 0) return make;
  }
  return greetingExchange;
}

export function skillExchange(
  random: SeededRandom,
  lexicon: Lexicon,
  longAnswers = false,
): Exchange {
  const choices = longAnswers && random.chance(0.06) ? LONG_ANSWERS : SKILLS;
  return weighted(random, choices)(random, lexicon);
}

/** Replaces the value of a fact told before. */
function correct(random: SeededRandom, lexicon: Lexicon, facts: Fact[], index: number): Exchange {
  const at = random.chance(0.5) ? index : facts.length - 1;
  const before = facts[at] ?? newFact(random, lexicon, untoldAttribute(random, lexicon, facts));
  const fact = newFact(random, lexicon, before.attribute);
  facts[at] = fact;
  return correctExchange(random, fact);
}

/** Tells one new fact, or two, and keeps them in `facts`. */
function tell(random: SeededRandom, lexicon: Lexicon, facts: Fact[]): Exchange {
  const old = facts.findIndex((fact) => fact.attribute.key !== "three words");
  if (old >= 0 && random.chance(0.06)) return correct(random, lexicon, facts, old);
  const first = newFact(random, lexicon, untoldAttribute(random, lexicon, facts));
  facts.push(first);
  if (random.chance(0.85)) return tellExchange(random, first);
  const second = newFact(random, lexicon, untoldAttribute(random, lexicon, facts));
  facts.push(second);
  return tellTwoExchange(random, first, second);
}

function ask(random: SeededRandom, facts: readonly Fact[]): Exchange {
  // Half of the time an early fact, so that long distances are practised.
  const early = facts.slice(0, Math.ceil(facts.length / 3));
  return askExchange(random, random.pick(random.chance(0.5) ? early : facts));
}

export type DialogueShape = {
  exchanges: number;
  /** Share of turns that tell or ask facts. */
  recallShare: number;
  longAnswers: boolean;
};

export function composeDialogue(
  random: SeededRandom,
  lexicon: Lexicon,
  shape: DialogueShape,
): Exchange[] {
  const facts: Fact[] = [];
  const out: Exchange[] = [];
  const burst = Math.min(4, Math.floor(shape.exchanges / 4));
  for (let turn = 0; turn < shape.exchanges; turn += 1) {
    const closing = turn >= shape.exchanges - burst && facts.length > 0;
    const opening = turn < Math.max(1, shape.exchanges / 6);
    const recall = random.chance(
      closing || opening ? Math.max(0.7, shape.recallShare) : shape.recallShare,
    );
    if (!recall) out.push(skillExchange(random, lexicon, shape.longAnswers));
    else if (random.chance(0.17))
      out.push(askUntoldExchange(random, untoldAttribute(random, lexicon, facts)));
    else if (
      facts.length === 0 ||
      (!closing && facts.length < 14 && random.chance(opening ? 0.8 : 0.4))
    ) {
      out.push(tell(random, lexicon, facts));
    } else out.push(ask(random, facts));
  }
  return out;
}
