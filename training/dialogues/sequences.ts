// Counting and listing: answers whose length the request sets exactly.

import type { Exchange } from "./dialogue-types.ts";
import { request, writtenNumber } from "./phrasing.ts";
import type { SeededRandom } from "./seeded-random.ts";
import {
  ANIMALS,
  BIRDS,
  CITIES,
  COLOURS,
  COUNTRIES,
  DAYS,
  FIRST_NAMES,
  FRUITS,
  INSTRUMENTS,
  MONTHS,
  VEGETABLES,
} from "./word-pools.ts";

const COUNT_UP = [
  "[Count|Please count|Can you count|Could you count|Now count|Count up|I want you to count] from {a} to {b}[.|.|?|]",
  "[Count|Count up] [starting at|starting from] {a} up to {b}.",
  "[List|Say|Write|Give me] [the numbers|all numbers|numbers] from {a} to {b}.",
];
const COUNT_TO = ["[Count|Please count|Can you count|Count up] to {b}[.|.|?|]", "Count up to {b}."];
const COUNT_DOWN = [
  "[Count down|Count backwards|Please count down|Can you count backwards|Count down backwards] from {a} to {b}[.|.|?|]",
];

function numbersIn(text: string): string {
  return (text.match(/\d+/g) ?? []).join(",");
}

export function countingExchange(random: SeededRandom): Exchange {
  const kind = random.next();
  const down = kind > 0.8;
  const length = random.chance(0.8) ? random.between(3, 12) : random.between(13, 20);
  const low = kind < 0.35 ? 1 : random.between(0, 99 - length);
  const high = low + length - 1;
  const [a, b] = down ? [high, low] : [low, high];
  const numbers: number[] = [];
  for (let index = 0; index < length; index += 1) numbers.push(down ? a - index : a + index);
  const templates = down ? COUNT_DOWN : kind < 0.2 ? COUNT_TO : COUNT_UP;
  const wanted = numbers.join(",");
  return {
    skill: "counting",
    user: request(random, templates, {
      a: writtenNumber(random, a, 0.05),
      b: writtenNumber(random, b, 0.05),
    }),
    assistant: `${numbers.join(", ")}.`,
    weight: 1,
    accepts: (answer) => numbersIn(answer) === wanted,
  };
}

type Category = { plural: string; items: readonly string[] };

const CATEGORIES: readonly Category[] = [
  { plural: "animals", items: ANIMALS },
  { plural: "fruits", items: FRUITS },
  { plural: "colours", items: COLOURS },
  { plural: "countries", items: COUNTRIES },
  { plural: "cities", items: CITIES },
  { plural: "vegetables", items: VEGETABLES },
  { plural: "birds", items: BIRDS },
  { plural: "instruments", items: INSTRUMENTS },
  { plural: "names", items: FIRST_NAMES.slice(0, 20) },
];

const LIST_MANY = [
  "[List|Name|Give me|Tell me|Write down|Write|Show me|I need|Please list|Can you list|Can you name] {n} {things}[.|.|?|]",
  "[List|Name|Give me|Make] [a list of|some, exactly] {n} {things}[.|.|]",
  "{n} {things}[, please|.|]",
];

function numberedLines(items: readonly string[]): string {
  return items.map((item, index) => `${String(index + 1)}. ${item}`).join("\n");
}

/** The items of a numbered or comma-separated answer, in lower case. */
function itemsIn(answer: string): string[] {
  return answer
    .split(/\n|,/)
    .map((line) =>
      line
        .replace(/^\s*\d+\.\s*/, "")
        .replace(/[.\s]+$/, "")
        .trim()
        .toLowerCase(),
    )
    .filter((line) => line !== "");
}

function isListOf(answer: string, pool: readonly string[], count: number): boolean {
  const items = itemsIn(answer);
  const known = new Set(pool.map((item) => item.toLowerCase()));
  return (
    items.length === count &&
    new Set(items).size === count &&
    items.every((item) => known.has(item))
  );
}

/** Days or months, whole and in order. */
function calendarExchange(random: SeededRandom): Exchange {
  const days = random.chance(0.5);
  const items = days ? DAYS : MONTHS;
  const things = days ? "days of the week" : "months of the year";
  return {
    skill: "listing",
    user: request(random, ["[List|Name|Tell me|What are|Give me|Say] the {things}[.|?|]"], {
      things,
    }),
    assistant: numberedLines(items),
    weight: 1,
    accepts: (answer) => isListOf(answer, items, items.length),
  };
}

export function listingExchange(random: SeededRandom): Exchange {
  if (random.chance(0.08)) return calendarExchange(random);
  const { plural, items } = random.pick(CATEGORIES);
  // Mostly few: a long list costs many tokens and teaches little more.
  const most = random.chance(0.7) ? 8 : 12;
  const count = random.between(2, Math.min(items.length, most));
  const n = writtenNumber(random, count, 0.25);
  const things = plural === "colours" && random.chance(0.3) ? "colors" : plural;
  const chosen = items.slice(0, count);
  return {
    skill: "listing",
    user: request(random, LIST_MANY, { n, things }),
    assistant: numberedLines(chosen),
    weight: 0.7,
    accepts: (answer) => isListOf(answer, items, count),
  };
}
