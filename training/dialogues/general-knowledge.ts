// A handful of plain facts, so that the simplest questions have an answer.

import type { Exchange } from "./dialogue-types.ts";
import { capitalised, mentions, request } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";

type Relation = {
  pairs: readonly (readonly [string, string])[];
  asks: readonly string[];
  answer(a: string, b: string): string;
};

function pairs(text: string): (readonly [string, string])[] {
  return text
    .trim()
    .split(/\s+/)
    .map((pair) => {
      const [left, right] = pair.split(":");
      return [left ?? "", right ?? ""] as const;
    });
}

const OPPOSITES: Relation = {
  pairs:
    pairs(`hot:cold cold:hot big:small small:big fast:slow slow:fast up:down down:up day:night night:day
    happy:sad sad:happy old:young new:old long:short short:long light:dark dark:light open:closed good:bad
    bad:good wet:dry dry:wet hard:soft soft:hard high:low low:high left:right right:left`),
  asks: ['[What is|What\'s|Tell me|Give me|Name] the opposite of [{a}|"{a}"][?|?|]'],
  answer: (a, b) => `The opposite of ${a} is ${b}.`,
};
const CAPITALS: Relation = {
  pairs:
    pairs(`France:Paris Germany:Berlin Italy:Rome Spain:Madrid Portugal:Lisbon Greece:Athens Poland:Warsaw
    Sweden:Stockholm Norway:Oslo Finland:Helsinki Denmark:Copenhagen Ireland:Dublin Japan:Tokyo China:Beijing
    Egypt:Cairo Kenya:Nairobi England:London Austria:Vienna`),
  asks: ["[What is|What's|Tell me|Name|Do you know] the capital [city of|of|of] {a}[?|?|]"],
  answer: (a, b) => `The capital of ${a} is ${b}.`,
};
const SOUNDS: Relation = {
  pairs: pairs(
    `cat:meow dog:woof cow:moo sheep:baa duck:quack pig:oink lion:roar owl:hoot bee:buzz snake:hiss`,
  ),
  asks: ["[What sound does|What noise does|What does] a {a} [make|say]?"],
  answer: (a, b) => `A ${a} says ${b}.`,
};
const HUES: Relation = {
  pairs: pairs(
    `sky:blue grass:green snow:white sun:yellow blood:red coal:black night:black milk:white gold:yellow`,
  ),
  asks: ["[What|Which] colo[u|u|]r [is the|is|does the] {a}[?|?|]"],
  answer: (a, b) => `${capitalised(a)} is ${b}.`,
};
const NEXT_DAYS: Relation = {
  pairs: pairs(`Monday:Tuesday Tuesday:Wednesday Wednesday:Thursday Thursday:Friday Friday:Saturday
    Saturday:Sunday Sunday:Monday`),
  asks: ["[What|Which] day [comes|is|follows] after {a}?", "[What|Which] day follows {a}?"],
  answer: (a, b) => `The day after ${a} is ${b}.`,
};
const RELATIONS = [OPPOSITES, CAPITALS, SOUNDS, HUES, NEXT_DAYS];

export function knowledgeExchange(random: SeededRandom): Exchange {
  const relation = random.pick(RELATIONS);
  const [a, b] = random.pick(relation.pairs);
  return {
    skill: "knowledge",
    user: request(random, relation.asks, { a }),
    assistant: relation.answer(a, b),
    weight: 1,
    accepts: (answer) => mentions(answer, b),
  };
}
