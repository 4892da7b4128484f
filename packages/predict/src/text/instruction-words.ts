// What a request asks for, told by its words: a list takes longer than a name, an essay longer than
// a list. Common English, chosen by meaning; what each kind is worth is learned, never written here.
// Text in other languages has no kinds and is told apart by its n-grams alone.

import { hashWord } from "./word-scanner.ts";

const kinds = {
  list: "list lists enumerate names bullet bullets ideas suggestions tips examples recommend recommendation recommendations suggest topics questions titles options",
  steps:
    "step steps guide instruction instructions tutorial teach walk setup install process procedure",
  recipe: "recipe recipes cook cooking bake ingredients dish dishes drink meal meals",
  compose:
    "write compose draft create generate produce craft design make build develop prepare invent",
  longForm:
    "essay story stories article blog novel book chapter speech script paper report proposal plan itinerary course curriculum screenplay dialogue dialog letter review lesson presentation outline memoir monologue tale",
  poem: "poem poems song songs lyrics rap verse haiku limerick sonnet",
  short:
    "short brief briefly concise concisely single title headline tagline slogan tweet only just summary summarize summarise summaries tldr simply quick shorter caption subject keyword keywords",
  long: "detailed detail details depth comprehensive thorough thoroughly long longer extensive complete full elaborate extensively everything",
  discuss:
    "explain describe discuss compare contrast analyze analyse pros cons advantages disadvantages benefits difference differences reasons impact history cause causes effect effects evaluate interpret",
  code: "code function python java javascript sql html css react script program algorithm implement class api regex bash latex rust golang typescript php excel formula json linux command query database library compile debug",
  math: "calculate compute solve equation sum percent percentage probability integral derivative matrix average total remainder divided multiply proof prove equals",
  classify:
    "classify classification category categorize categorise label sentiment identify extract detect determine choose select pick rate score predict decide match rank sort fill blank true false correct answer",
  rewrite:
    "rewrite rephrase paraphrase edit translate convert simplify proofread fix grammar improve shorten replace reword transform change turn sentence sentences",
  role: "act pretend role imagine roleplay simulate play character persona",
  mail: "email mail message memo post reply respond response linkedin twitter facebook instagram",
  table: "table csv spreadsheet column columns row rows chart format markdown",
  self: "i my i'm i've me mine i'd",
  several: "some several many multiple various few couple different other more all every each",
  best: "best top most good popular famous ways great better",
  input: "given following below text passage paragraph input output provided above example",
  fiction: "characters fanfiction scene plot series setting movie game fantasy hero",
  harm: "kill illegal hack drug drugs bomb steal sex suicide weapon racist crime meth cheat murder porn",
  polite: "please thanks thank kindly help",
  explain: "explain",
  greet: "hi hello hey",
  who: "who when where which whose whom",
  what: "what whats what's",
  how: "how",
  why: "why",
  modal: "is are was were do does did has have am isn't aren't don't doesn't didn't",
  request: "can could would will should may might",
} as const;

export type InstructionKind = keyof typeof kinds;

/** In a fixed order: the place of each is its bit. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a constant
export const instructionKinds: readonly InstructionKind[] = Object.keys(kinds) as InstructionKind[];

export const kindBit: Readonly<Record<InstructionKind, number>> = bits();

/** Hash of a word → the bits of its kinds. */
const kindsOfWord: ReadonlyMap<number, number> = wordTable();

/** The bits of the kinds that a word, given by its hash, belongs to. */
export function kindsOf(wordHash: number): number {
  return kindsOfWord.get(wordHash) ?? 0;
}

function bits(): Record<InstructionKind, number> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- filled for each key
  const found = {} as Record<InstructionKind, number>;
  for (const [place, kind] of instructionKinds.entries()) found[kind] = 1 << place;
  return found;
}

function wordTable(): Map<number, number> {
  const table = new Map<number, number>();
  for (const kind of instructionKinds) {
    for (const word of kinds[kind].split(" ")) {
      const hash = hashWord(word);
      table.set(hash, (table.get(hash) ?? 0) | kindBit[kind]);
    }
  }
  return table;
}
