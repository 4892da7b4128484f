// The skill the model exists for: being told facts and recalling them later.

import type { Exchange } from "./dialogue-types.ts";
import type { FactAttribute } from "./fact-attributes.ts";
import { FACT_ATTRIBUTES, generalAttribute } from "./fact-attributes.ts";
import type { Lexicon } from "./lexicon.ts";
import { capitalised, fill, mentions, request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

export type Fact = { attribute: FactAttribute; value: string };

export function newFact(random: SeededRandom, lexicon: Lexicon, attribute: FactAttribute): Fact {
  const value = attribute.value(random, lexicon);
  return { attribute, value: random.chance(0.08) ? value.toLowerCase() : value };
}

/** An attribute that has not been told yet in this dialogue. */
export function untoldAttribute(
  random: SeededRandom,
  lexicon: Lexicon,
  facts: readonly Fact[],
): FactAttribute {
  const told = new Set(facts.map((fact) => fact.attribute.key));
  for (;;) {
    const attribute = random.chance(0.25)
      ? generalAttribute(random, lexicon)
      : random.pick(FACT_ATTRIBUTES);
    if (!told.has(attribute.key)) return attribute;
  }
}

function stated(fact: Fact): string {
  return fill(fact.attribute.yours, { v: fact.value });
}

function holdsValue(answer: string, value: string): boolean {
  const parts = value.split(/, | and /);
  return parts.every((part) => mentions(answer, part));
}

/** Mostly a capital first, but never on the value: it is copied as it stands. */
function started(random: SeededRandom, text: string, value: string): string {
  return text.startsWith(value) || random.chance(0.2) ? text : capitalised(text);
}

export function tellExchange(random: SeededRandom, fact: Fact): Exchange {
  const said = stated(fact);
  const greeting = fact.attribute.key === "name" && random.chance(0.5);
  const assistant = greeting
    ? `Nice to meet you! I will remember that ${said}.`
    : random.pick([
        `I will remember that ${said}.`,
        `Thank you, I will remember that ${said}.`,
        `Got it: ${said}.`,
      ]);
  return {
    skill: "acknowledging",
    user: started(random, request(random, fact.attribute.tells, { v: fact.value }), fact.value),
    assistant,
    weight: 1,
    accepts: (answer) => holdsValue(answer, fact.value),
  };
}

/** A told fact changes: what counts from now on is the newer value. */
export function correctExchange(random: SeededRandom, fact: Fact): Exchange {
  const prefix = "[Actually, |No, |Correction: |Sorry, |I was wrong: |Wait, |Update: ]";
  const asTold = tellExchange(random, fact);
  return {
    ...asTold,
    user: request(random, [`${prefix}${fact.attribute.mine}[| now].`], { v: fact.value }),
  };
}

/** Two facts in one message, acknowledged together. */
export function tellTwoExchange(random: SeededRandom, first: Fact, second: Fact): Exchange {
  const mine = [first, second].map((fact) => fill(fact.attribute.mine, { v: fact.value }));
  return {
    skill: "acknowledging",
    user: `${capitalised(mine[0] ?? "")}${random.pick([" and ", ", and ", ". Also, "])}${mine[1] ?? ""}${random.pick([".", ".", ""])}`,
    assistant: `I will remember that ${stated(first)} and that ${stated(second)}.`,
    weight: 1,
    accepts: (answer) => holdsValue(answer, first.value) && holdsValue(answer, second.value),
  };
}

export function askExchange(random: SeededRandom, fact: Fact): Exchange {
  return {
    skill: "recall",
    user: request(random, fact.attribute.asks),
    assistant: `${capitalised(stated(fact))}.`,
    weight: 2.5,
    accepts: (answer) => holdsValue(answer, fact.value),
  };
}

/** Asked for something never told: the honest answer is to say so. */
export function askUntoldExchange(random: SeededRandom, attribute: FactAttribute): Exchange {
  return {
    skill: "not-told",
    user: request(random, attribute.asks),
    assistant: `You have not told me ${attribute.unknown} yet.`,
    weight: 2,
    accepts: (answer) => /not told me|do not know|don't know/i.test(answer),
  };
}
