// What a user may tell the model about: each attribute with the ways to tell
// it, to ask for it, and the one normal form in which the model repeats it.
// The acknowledgement already uses that form, so recalling a fact many turns
// later is continuing a phrase that stands in the conversation.

import type { Lexicon } from "./lexicon.ts";
import { inventedName } from "./lexicon.ts";
import type { SeededRandom } from "./seeded-random.ts";
import {
  ANIMALS,
  CITIES,
  COLOURS,
  DAYS,
  FOODS,
  FRUITS,
  HOBBIES,
  JOBS,
  MONTHS,
} from "./word-pools.ts";

export type FactAttribute = {
  /** Unique in a dialogue. */
  key: string;
  /** The fact as the user states it and as the model states it; {v} is the value. */
  mine: string;
  yours: string;
  tells: readonly string[];
  asks: readonly string[];
  /** The noun phrase of "You have not told me …". */
  unknown: string;
  value(random: SeededRandom, lexicon: Lexicon): string;
};

type ValueMaker = FactAttribute["value"];

const person: ValueMaker = (random, lexicon) =>
  random.chance(0.4) ? random.pick(lexicon.names) : inventedName(random, lexicon);

/** A real word mostly, an invented one often enough that copying is learnt. */
function oneOf(pool: readonly string[], inventedShare = 0.4): ValueMaker {
  return (random, lexicon) =>
    random.chance(inventedShare) ? lexicon.inventedWord(random) : random.pick(pool);
}

function place(random: SeededRandom, lexicon: Lexicon): string {
  return random.chance(0.5) ? random.pick(CITIES) : inventedName(random, lexicon);
}

const number: ValueMaker = (random) =>
  String(random.chance(0.6) ? random.between(1, 99) : random.between(100, 9999));

const secret: ValueMaker = (random, lexicon) =>
  random.chance(0.5) ? lexicon.inventedWord(random) : random.pick(lexicon.plainWords);

/** "my favourite colour is red": told, asked and answered with "is". */
function possession(noun: string, value: ValueMaker, owner: "my" | "the" = "my"): FactAttribute {
  const yours = owner === "my" ? "your" : "the";
  const spelling = noun
    .replace("favourite", "[favourite|favourite|favorite]")
    .replace("colour", "[colour|colour|color]");
  const subject = `${owner} ${spelling}`;
  return {
    key: noun,
    mine: `${owner} ${noun} is {v}`,
    yours: `${yours} ${noun} is {v}`,
    tells: [
      `[|By the way, |Remember: |Please remember that |Remember that |Note that |You should know that |Fact: ]${subject} is {v}[.|.|!]`,
      `{v} is ${subject}.`,
    ],
    asks: [
      `[What is|What's|Whats|Tell me|Remind me of|Say] ${subject}[?|?|]`,
      `[What was|Do you remember|Do you know|Do you still know|Do you recall|Can you remember] ${subject}?`,
      `[Can you tell me|Could you tell me|Please tell me|I forgot, what is|So, what is|Now, what is] ${subject}?`,
      `What did I [say|tell you] ${subject} [was|is]?`,
      `[And|And what is|And what about] ${subject}?`,
    ],
    unknown: `${yours} ${noun}`,
    value,
  };
}

/** "my dog is called Rex". */
function called(noun: string): FactAttribute {
  return {
    key: noun,
    mine: `my ${noun} is called {v}`,
    yours: `your ${noun} is called {v}`,
    tells: [
      `[|By the way, |Remember: |Please remember that |Remember that |Note that ]my ${noun} is [called|called|named] {v}[.|.|!]`,
      `[I have a ${noun} called {v}|I have a ${noun} named {v}|My ${noun}'s name is {v}|The name of my ${noun} is {v}].`,
    ],
    asks: [
      `[What is|What's|Whats] my ${noun} called?`,
      `[What is|What's|Do you remember|Do you know|Tell me] the name of my ${noun}?`,
      `[What is|What's|Do you remember|Do you know|Tell me|And what was] my ${noun}'s name[?|?|]`,
      `What did I [say|tell you] my ${noun} [was|is] called?`,
      `[How is my ${noun} called|Who is my ${noun}|What do I call my ${noun}]?`,
    ],
    unknown: `the name of your ${noun}`,
    value: person,
  };
}

const NAME: FactAttribute = {
  ...possession("name", person),
  tells: [
    "[|Hi, |Hello, |Hello! |Hi! |Hey, |Good morning, |By the way, |Remember: ]my name is {v}[.|.|!]",
    "[|Hi, |Hello, |Hey, ][I am|I'm|Im|call me|please call me|you can call me|people call me|I am called] {v}[.|.|!]",
    "[My name's {v}|The name is {v}|This is {v}|{v} is my name|You are talking to {v}].",
  ],
  asks: [
    "[What is|What's|Whats|Tell me|Say] my name[?|?|]",
    "[What was|Do you remember|Do you know|Do you still know|Do you recall|Can you remember] my name?",
    "[Can you tell me|Could you tell me|I forgot, what is|So, what is|Now, what is|And what is|And] my name?",
    "[Who am I|Do you remember who I am|Do you know who I am|What am I called|How am I called]?",
    "What did I [say|tell you] my name [was|is]?",
  ],
};

const HOME: FactAttribute = {
  key: "home",
  mine: "I live in {v}",
  yours: "you live in {v}",
  tells: [
    "[|By the way, |Remember: |Remember that |Note that ][I live in|my home is in|my house is in|I come from] {v}[.|.|!]",
  ],
  asks: [
    "[Where do I live|Do you remember where I live|Do you know where I live|Where did I say I live|Where is my home|Which city do I live in|Tell me where I live]?",
  ],
  unknown: "where you live",
  value: place,
};

const AGE: FactAttribute = {
  key: "age",
  mine: "I am {v} years old",
  yours: "you are {v} years old",
  tells: [
    "[|By the way, |Remember: |Remember that ][I am|I'm] {v} years old[.|.|!]",
    "My age is {v}.",
  ],
  asks: [
    "[How old am I|Do you remember how old I am|What is my age|What's my age|Do you know my age|Tell me my age]?",
  ],
  unknown: "your age",
  value: (random) => String(random.between(5, 99)),
};

const THREE_WORDS: FactAttribute = {
  key: "three words",
  mine: "the three words are {v}",
  yours: "the three words are {v}",
  tells: ["[Remember|Please remember|Keep in mind|Memorise] [these|the|my] three words: {v}."],
  asks: [
    "[What are|What were|Tell me|Do you remember|Repeat] the three words[?|?|]",
    "Which three words did I tell you?",
  ],
  unknown: "the three words",
  value: (random, lexicon) => {
    const [first, second, third] = [
      secret(random, lexicon),
      secret(random, lexicon),
      secret(random, lexicon),
    ];
    return `${first}, ${second} and ${third}`;
  },
};

export const FACT_ATTRIBUTES: readonly FactAttribute[] = [
  NAME,
  HOME,
  AGE,
  THREE_WORDS,
  possession("favourite colour", oneOf(COLOURS, 0.25)),
  possession("favourite animal", oneOf(ANIMALS)),
  possession("favourite food", oneOf(FOODS)),
  possession("favourite fruit", oneOf(FRUITS)),
  possession("favourite number", number),
  possession("favourite city", place),
  possession("favourite day", oneOf(DAYS, 0)),
  possession("favourite month", oneOf(MONTHS, 0)),
  possession("favourite word", secret),
  possession("lucky number", number),
  possession("job", oneOf(JOBS)),
  possession("hobby", oneOf(HOBBIES)),
  possession("password", secret),
  possession("room number", number),
  possession("code", number, "the"),
  possession("secret word", secret, "the"),
  possession("magic word", secret, "the"),
  possession("door code", number, "the"),
  possession("ticket number", number, "the"),
  possession("code name", person, "the"),
  possession("meeting day", oneOf(DAYS, 0), "the"),
  called("dog"),
  called("cat"),
  called("horse"),
  called("sister"),
  called("brother"),
  called("best friend"),
  called("teacher"),
  called("boat"),
  called("street"),
];

const GENERAL_VALUES: readonly ValueMaker[] = [secret, person, number, oneOf(COLOURS), place];

/** "my hammer is green": asked by its colour. */
function coloured(noun: string): FactAttribute {
  return {
    key: `colour of ${noun}`,
    mine: `my ${noun} is {v}`,
    yours: `your ${noun} is {v}`,
    tells: [
      `[|By the way, |Remember that |Note that ]my ${noun} is {v}.`,
      `[The colour of my ${noun} is|I have painted my ${noun}|I have a ${noun}. It is] {v}.`,
    ],
    asks: [
      `[What|Which] [colour|color] [is|was] my ${noun}?`,
      `[What is|Tell me|Do you remember|Do you know] the [colour|color] of my ${noun}[?|?|]`,
    ],
    unknown: `the colour of your ${noun}`,
    value: oneOf(COLOURS, 0.2),
  };
}

/** An attribute nobody listed, so that any noun can be told and asked for. */
export function generalAttribute(random: SeededRandom, lexicon: Lexicon): FactAttribute {
  const noun = random.pick(lexicon.plainWords);
  const value = random.pick(GENERAL_VALUES);
  const roll = random.next();
  if (roll < 0.35) return possession(`favourite ${noun}`, value);
  if (roll < 0.55)
    return possession(`${noun} ${random.pick(["code", "number", "key"])}`, value, "the");
  if (roll < 0.7) return called(noun);
  return coloured(noun);
}
