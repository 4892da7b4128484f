// The evaluation set: cases on held-out words, each a conversation so far
// whose last message is the user's, and the rule that scores the answer.

import { composeDialogue, skillExchange } from "./compose-dialogue.ts";
import type { Exchange, Message } from "./dialogue-types.ts";
import { messagesOf } from "./dialogue-types.ts";
import { knowledgeExchange } from "./general-knowledge.ts";
import { repeatingExchange, reversingExchange, spellingExchange } from "./letters.ts";
import { EVALUATION_LEXICON } from "./lexicon.ts";
import type { Fact } from "./recall.ts";
import {
  askExchange,
  askUntoldExchange,
  newFact,
  tellExchange,
  untoldAttribute,
} from "./recall.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { createRandom } from "./seeded-random.ts";
import { countingExchange, listingExchange } from "./sequences.ts";
import { greetingExchange, introductionExchange, smallTalkExchange } from "./small-talk.ts";
import type { StoryLength } from "./stories.ts";
import { storyExchange } from "./stories.ts";
import { sumExchange } from "./sums.ts";
import { unknownExchange } from "./unknown-requests.ts";

export type EvaluationCase = {
  skill: string;
  messages: Message[];
  /** The answer the generator itself would give. */
  reference: string;
  accepts(answer: string): boolean;
};

/** The share of cases, in percent, that each skill has to answer rightly. */
export const SKILL_BARS: Readonly<Record<string, number>> = {
  "recall-1": 95,
  "recall-5": 90,
  "recall-20": 80,
  acknowledging: 90,
  "not-told": 80,
  greeting: 95,
  introduction: 95,
  "small-talk": 95,
  counting: 90,
  listing: 90,
  spelling: 90,
  reversing: 75,
  repeating: 90,
  sums: 90,
  knowledge: 95,
  fallback: 90,
  "story-short": 90,
  "story-plain": 90,
  "story-long": 90,
  "story-very-long": 90,
};

function caseOf(skill: string, before: readonly Exchange[], exchange: Exchange): EvaluationCase {
  const messages = [...messagesOf(before), { role: "user" as const, content: exchange.user }];
  return {
    skill,
    messages,
    reference: exchange.assistant,
    accepts: (answer) => exchange.accepts(answer),
  };
}

/** One turn between telling and asking: other facts and other skills. */
function filler(random: SeededRandom, facts: Fact[]): Exchange {
  const roll = random.next();
  if (roll < 0.25 && facts.length < 8) {
    const fact = newFact(
      random,
      EVALUATION_LEXICON,
      untoldAttribute(random, EVALUATION_LEXICON, facts),
    );
    facts.push(fact);
    return tellExchange(random, fact);
  }
  const others = facts.slice(1);
  if (roll < 0.45 && others.length > 0) return askExchange(random, random.pick(others));
  return skillExchange(random, EVALUATION_LEXICON);
}

/** A fact is told, and asked for `distance` turns later. */
export function recallCase(random: SeededRandom, distance: number): EvaluationCase {
  const fact = newFact(random, EVALUATION_LEXICON, untoldAttribute(random, EVALUATION_LEXICON, []));
  const facts = [fact];
  const before: Exchange[] = [];
  if (random.chance(0.4)) before.push(greetingExchange(random));
  before.push(tellExchange(random, fact));
  for (let turn = 1; turn < distance; turn += 1) before.push(filler(random, facts));
  return caseOf(`recall-${String(distance)}`, before, askExchange(random, fact));
}

function notToldCase(random: SeededRandom): EvaluationCase {
  const facts: Fact[] = [];
  const before: Exchange[] = [];
  const turns = random.between(1, 4);
  for (let turn = 0; turn < turns; turn += 1) before.push(filler(random, facts));
  return caseOf(
    "not-told",
    before,
    askUntoldExchange(random, untoldAttribute(random, EVALUATION_LEXICON, facts)),
  );
}

function skillCase(random: SeededRandom, skill: string, exchange: Exchange): EvaluationCase {
  const exchanges = random.between(0, 2);
  const shape = { exchanges, recallShare: 0.4, longAnswers: false };
  return caseOf(skill, composeDialogue(random, EVALUATION_LEXICON, shape), exchange);
}

const LEXICON = EVALUATION_LEXICON;

const MAKERS: Readonly<Record<string, (random: SeededRandom) => Exchange>> = {
  acknowledging: (random) =>
    tellExchange(random, newFact(random, LEXICON, untoldAttribute(random, EVALUATION_LEXICON, []))),
  greeting: greetingExchange,
  introduction: introductionExchange,
  "small-talk": smallTalkExchange,
  counting: countingExchange,
  listing: listingExchange,
  spelling: (random) => spellingExchange(random, LEXICON),
  reversing: (random) => reversingExchange(random, LEXICON),
  repeating: (random) => repeatingExchange(random, LEXICON),
  sums: sumExchange,
  knowledge: knowledgeExchange,
  fallback: (random) => unknownExchange(random, LEXICON),
};
const STORIES: readonly StoryLength[] = ["short", "plain", "long", "very long"];

/** `perSkill` cases of every skill; the same seed gives the same cases. */
export function evaluationCases(seed: number, perSkill: number): EvaluationCase[] {
  const random = createRandom(seed);
  const cases: EvaluationCase[] = [];
  for (let index = 0; index < perSkill; index += 1) {
    for (const distance of [1, 5, 20]) cases.push(recallCase(random, distance));
    cases.push(notToldCase(random));
    for (const [skill, make] of Object.entries(MAKERS))
      cases.push(skillCase(random, skill, make(random)));
    for (const length of STORIES) {
      const exchange = storyExchange(random, LEXICON, length);
      cases.push(skillCase(random, exchange.skill, exchange));
    }
  }
  return cases;
}
