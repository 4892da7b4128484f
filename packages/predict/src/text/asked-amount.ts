// Amounts that a request names: "in 50 words", "two paragraphs", "10 ideas". A number counts when a
// unit or a plural follows it closely.

import { hashWord, type ScannedText } from "./word-scanner.ts";

/** Tokens that one unit takes, roughly; only their order matters, the worth is learned. */
const tokensPerUnit: ReadonlyMap<number, number> = new Map(
  Object.entries({
    word: 1.4,
    words: 1.4,
    character: 0.3,
    characters: 0.3,
    line: 12,
    lines: 12,
    sentence: 25,
    sentences: 25,
    verse: 50,
    verses: 50,
    paragraph: 90,
    paragraphs: 90,
    page: 500,
    pages: 500,
  }).map(([word, tokens]) => [hashWord(word), tokens]),
);

/** Things counted beyond this are years, prices, inputs. */
const amountMax = 3000;

const numberOf: ReadonlyMap<number, number> = numberTable();

export interface AskedAmount {
  /** Tokens asked for, by a unit; 0 when none is named. */
  readonly tokens: number;
  /** A number of things, whatever they are; 0 when none is named. */
  readonly items: number;
}

/** The last amount with a unit, and the first number above 1 at all. */
export function askedAmount({ words }: ScannedText): AskedAmount {
  let tokens = 0;
  let items = 0;
  for (let i = 0; i < words.length; i++) {
    const number = numberOf.get(words[i] ?? 0);
    if (number === undefined) continue;
    if (items === 0 && number > 1 && number <= 100) items = number;
    for (let ahead = 1; ahead <= 3; ahead++) {
      const unit = tokensPerUnit.get(words[i + ahead] ?? 0);
      if (unit === undefined) continue;
      tokens = number * unit;
      break;
    }
  }
  return { tokens, items };
}

function numberTable(): Map<number, number> {
  const table = new Map<number, number>();
  for (let number = 1; number <= amountMax; number++) table.set(hashWord(String(number)), number);
  const named = "one two three four five six seven eight nine ten eleven twelve";
  for (const [i, word] of named.split(" ").entries()) table.set(hashWord(word), i + 1);
  table.set(hashWord("single"), 1);
  return table;
}
