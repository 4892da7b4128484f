// System messages: present in some dialogues and of many kinds, so that the
// model answers the same with a long or a strange one before the conversation.

import type { Lexicon } from "./lexicon.ts";
import { expand, fill } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

const ROLES = [
  "You are [a|an honest|a friendly|a careful|a polite] [helpful |kind |clever |]assistant.",
  "You are loci's demonstration model.",
  "You are an assistant for {t}.",
  "You are called {w} and help people with {t}.",
  "[Answer the user.|Be kind and honest.|Help the user.]",
];
const RULES = [
  "[Answer|Reply|Speak] [briefly|politely|clearly|in short sentences|in English|with care].",
  "Never [talk|write|speak] about {t}.",
  "The user [likes|knows|works in|asks about] {t}.",
  "[Always|Never] mention {t} or {u}.",
  "If you do not know something, say so.",
  "This conversation is about {t}, {u} and {w}.",
  "Rule {n}: {t} comes before {u}.",
  "Document {n} says that {w} is a kind of {t}.",
];

export function systemText(random: SeededRandom, lexicon: Lexicon): string {
  const count = random.chance(0.5)
    ? 0
    : random.chance(0.8)
      ? random.between(1, 3)
      : random.between(4, 12);
  const templates = [random.pick(ROLES)];
  for (let index = 0; index < count; index += 1) templates.push(random.pick(RULES));
  return templates
    .map((template) =>
      fill(expand(random, template), {
        t: random.pick(lexicon.topics),
        u: random.pick(lexicon.topics),
        w: lexicon.inventedWord(random),
        n: String(random.between(1, 99)),
      }),
    )
    .join(" ");
}
