// Stories whose length follows the request: short, plain, long, very long.
// Longer ones are told day by day or week by week, which gives the model a place to stand.

import type { Exchange } from "./dialogue-types.ts";
import type { Lexicon } from "./lexicon.ts";
import { expand, fill, mentions, request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

export type StoryLength = "short" | "plain" | "long" | "very long";

const DAY_COUNTS: Readonly<Record<StoryLength, number>> = {
  short: 0,
  plain: 2,
  long: 5,
  "very long": 10,
};
/** The bounds an answer's word count must lie in. */
export const STORY_WORDS: Readonly<Record<StoryLength, readonly [number, number]>> = {
  short: [20, 75],
  plain: [60, 140],
  long: [120, 260],
  "very long": [220, 480],
};

const ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split(" ");

const ASK_WITH_TOPIC = [
  "[Tell me|Tell|Write|Write me|Give me|Can you tell me|Could you write|Please tell me|I want|I would like] {l} story about {t}[.|.|!|?|]",
  "{l} story about {t}[, please|.|]",
];
const ASK_WITHOUT_TOPIC = [
  "[Tell me|Write|Write me|Give me|Can you tell me|Please tell me|I want|I would like] {l} story[.|.|!|?|]",
];
const PHRASES: Readonly<Record<StoryLength, string>> = {
  short: "a [short|short|short|brief|little|tiny|very short]",
  plain: "a",
  long: "a [long|long|long|lengthy|detailed]",
  "very long": "a [very long|very long|really long]",
};

/** The first words settle how long the story will be; the rest follows them. */
const OPENINGS: Readonly<Record<StoryLength, string>> = {
  short: "Once upon a time there was a {h} called {n} who lived {p}.",
  plain: "Long ago, a {h} called {n} lived {p}.",
  long: "Here is a long story. There was a {h} called {n} who lived {p}.",
  "very long": "Here is a very long story. There was a {h} called {n} who lived {p}.",
};
const WISHES = [
  "The {h} wanted to find {o}.",
  "One day the {h} heard about {o} and wanted to see it.",
  "Every night the {h} dreamed of {o}.",
];
const TURNS = [
  "A kind {f} showed the way, and the {h} said thank you.",
  "The road was hard, but a friendly {f} came to help.",
  "It was far away, so the {h} asked an old {f} for help.",
];
const ENDINGS = [
  "In the end the {h} found {o} and was happy. The end.",
  "At last the {h} found {o} and took it home. The end.",
];
const EVENTS = [
  "the {h} walked [through the dark forest|over the high hills|along the wide river] and met a {f}.",
  "the {h} [found an old map|saw a strange light|heard a soft song] near the {q}.",
  "the {h} had to cross [a broken bridge|a deep valley|a cold lake], and a {f} helped.",
  "it rained [all day|very hard|from dawn to night], so the {h} slept in the {q}.",
  "the {h} shared [some bread|a warm soup|an apple] with a hungry {f}.",
];
const REACTIONS = [
  "They talked for a long time and laughed.",
  "The {h} felt brave and went on.",
  "{n} was tired but did not give up.",
  "It was a good day, and the {h} slept well.",
];
const NAMES = ["Pip", "Milo", "Luna", "Bram", "Nell", "Otto", "Tilly", "Finn"];
const PLACES = ["in a small village", "by the sea", "at the edge of a forest", "on a green hill"];
const THINGS = ["a golden key", "the silver lake", "a lost song", "the tallest tree"];
const FRIENDS = ["owl", "turtle", "mouse", "farmer", "bird"];
const SPOTS = ["mill", "cave", "barn", "tower"];

function sentence(
  random: SeededRandom,
  templates: readonly string[],
  slots: Record<string, string>,
): string {
  return fill(expand(random, random.pick(templates)), slots);
}

/** Very long stories go by weeks: each paragraph then tells how many may follow. */
function when(length: StoryLength, ordinal: string): string {
  return length === "very long" ? `In the ${ordinal} week` : `On the ${ordinal} day`;
}

/** The text of a story of the given length about a hero such as "fox". */
export function storyText(random: SeededRandom, hero: string, length: StoryLength): string {
  const slots: Record<string, string> = {
    h: hero,
    n: random.pick(NAMES),
    p: random.pick(PLACES),
    o: random.pick(THINGS),
    f: random.pick(FRIENDS),
  };
  const parts = [
    `${sentence(random, [OPENINGS[length]], slots)} ${sentence(random, WISHES, slots)}`,
  ];
  for (const ordinal of ORDINALS.slice(0, DAY_COUNTS[length])) {
    const day = { ...slots, f: random.pick(FRIENDS), q: random.pick(SPOTS) };
    parts.push(
      `${when(length, ordinal)}, ${sentence(random, EVENTS, day)} ${sentence(random, REACTIONS, day)}`,
    );
  }
  if (length === "short") parts.push(sentence(random, TURNS, slots));
  parts.push(sentence(random, ENDINGS, slots));
  return parts.join(length === "short" ? " " : "\n\n");
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}

function wordCount(text: string): number {
  return text.split(/\s+/).filter((word) => word !== "").length;
}

export function storyExchange(
  random: SeededRandom,
  lexicon: Lexicon,
  length: StoryLength,
): Exchange {
  const hero = random.chance(0.12) ? lexicon.inventedWord(random) : random.pick(lexicon.heroes);
  const withTopic = random.chance(0.85);
  const asked = withTopic ? ASK_WITH_TOPIC : ASK_WITHOUT_TOPIC;
  const told = withTopic ? hero : random.pick(["fox", "robot", "dragon"]);
  const topic = random.chance(0.85) ? article(hero) : `the ${hero}`;
  const templates = asked.map((template) => template.replace("{l}", PHRASES[length]));
  const user = request(random, templates, { t: topic });
  const [fewest, most] = STORY_WORDS[length];
  return {
    skill: `story-${length.replace(" ", "-")}`,
    user: user.replace(/^a /, "A "),
    assistant: storyText(random, told, length),
    weight: 0.6,
    accepts: (answer) => {
      const count = wordCount(answer);
      const finished = /[.!?]\s*$/.test(answer);
      return count >= fewest && count <= most && finished && (!withTopic || mentions(answer, hero));
    },
  };
}
