// GBNF text → flat rules, in the way llama.cpp reads it: groups and repetitions become rules of
// their own, so what is counted and checked here is what its matcher will hold. Stricter where
// its reading surprises: an empty class, a reversed range, a second definition and a bound above
// its limit (which it takes for "without end") are errors.
import { assert, defined } from "@loci/core";
import { gbnfLimits } from "./gbnf-limits.ts";

export type GbnfElement =
  | { readonly kind: "rule"; readonly rule: number }
  /** One character: any of the inclusive code point ranges, or any but those. */
  | {
      readonly kind: "characters";
      readonly ranges: readonly (readonly [number, number])[];
      readonly negated: boolean;
    }
  /** One token of the vocabulary, by id or text; which one does not matter here. */
  | { readonly kind: "token" };

export type GbnfSequence = readonly GbnfElement[];

export interface GbnfRule {
  /** As written; a rule made for a group or repetition has the name of the rule around it. */
  readonly name: string;
  /** Empty only while a rule is named but not defined. */
  readonly alternatives: readonly GbnfSequence[];
}

export interface ParsedGrammar {
  /** In llama.cpp's order: by first mention. */
  readonly rules: readonly GbnfRule[];
  readonly root: number;
}

/** What is wrong with a grammar's text and where. */
export class GbnfError extends Error {
  override readonly name = "GbnfError";
  /** Offset in UTF-16 units. */
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/** Reads `text`; throws GbnfError. Linear in the text and the size of the grammar. */
export function parseGrammar(text: string): ParsedGrammar {
  return new GrammarReader(text).read();
}

interface OpenRule {
  readonly name: string;
  alternatives: GbnfSequence[] | null;
  /** Where it was first mentioned. */
  readonly offset: number;
}

/** The element or elements that a following repetition repeats. */
interface Repeatable {
  start: number;
  /** llama.cpp's count of rules that the repeated thing stands for. */
  weight: number;
}

const wordPattern = /[a-zA-Z0-9-]/u;

class GrammarReader {
  readonly #text: string;
  readonly #rules: OpenRule[] = [];
  readonly #named = new Map<string, number>();
  #position = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): ParsedGrammar {
    this.#skipSpace(true);
    while (this.#position < this.#text.length) this.#readRule();
    const root = this.#named.get("root");
    if (root === undefined) throw new GbnfError('there is no rule "root"', 0);
    const rules = this.#rules.map(({ name, alternatives, offset }) => {
      if (alternatives === null) throw new GbnfError(`the rule "${name}" is not defined`, offset);
      return { name, alternatives };
    });
    return { rules, root };
  }

  #readRule(): void {
    const offset = this.#position;
    const name = this.#readName();
    this.#skipSpace(false);
    if (!this.#text.startsWith("::=", this.#position)) this.#fail('"::=" is missing');
    this.#position += 3;
    this.#skipSpace(true);
    const rule = this.#ruleNamed(name, offset);
    const open = defined(this.#rules[rule]);
    if (open.alternatives !== null) {
      throw new GbnfError(`the rule "${name}" is defined twice`, offset);
    }
    open.alternatives = this.#readAlternatives(name, 0);
    const next = this.#text[this.#position];
    if (next !== undefined && next !== "\n" && next !== "\r") {
      this.#fail(`"${next}" is not expected here`);
    }
    this.#skipSpace(true);
  }

  #readAlternatives(name: string, nesting: number): GbnfSequence[] {
    const alternatives = [this.#readSequence(name, nesting)];
    while (this.#text[this.#position] === "|") {
      this.#position++;
      this.#skipSpace(true);
      alternatives.push(this.#readSequence(name, nesting));
    }
    this.#count(alternatives.length);
    return alternatives;
  }

  #readSequence(name: string, nesting: number): GbnfSequence {
    const sequence: GbnfElement[] = [];
    const last: Repeatable = { start: 0, weight: 1 };
    while (this.#position < this.#text.length) {
      const next = defined(this.#text[this.#position]);
      if ("*+?{".includes(next)) {
        const [least, most] = this.#readRepetition(nesting > 0);
        this.#repeat(sequence, last, { name, least, most });
        continue;
      }
      const before = sequence.length;
      const weight = this.#readItem(sequence, name, nesting);
      if (weight === 0) break;
      last.start = before;
      last.weight = weight;
      this.#skipSpace(nesting > 0);
    }
    return sequence;
  }

  /** Reads one item onto `sequence`; its weight, or 0 when none starts here. */
  #readItem(sequence: GbnfElement[], name: string, nesting: number): number {
    const next = defined(this.#text[this.#position]);
    if (next === '"') this.#readLiteral(sequence);
    else if (next === "[") this.#readClass(sequence);
    else if (next === "<" || next === "!") this.#readToken(sequence);
    else if (next === ".") {
      this.#position++;
      this.#push(sequence, { kind: "characters", ranges: [], negated: true });
    } else if (next === "(") return this.#readGroup(sequence, name, nesting);
    else if (wordPattern.test(next)) {
      const offset = this.#position;
      const rule = this.#ruleNamed(this.#readName(), offset);
      this.#push(sequence, { kind: "rule", rule });
    } else return 0;
    return 1;
  }

  #readGroup(sequence: GbnfElement[], name: string, nesting: number): number {
    if (nesting >= gbnfLimits.nestingMax) this.#fail("parentheses are nested too deeply");
    this.#position++;
    this.#skipSpace(true);
    const rulesBefore = this.#rules.length;
    const rule = this.#newRule(name, this.#position);
    defined(this.#rules[rule]).alternatives = this.#readAlternatives(name, nesting + 1);
    if (this.#text[this.#position] !== ")") this.#fail('")" is missing');
    this.#position++;
    this.#push(sequence, { kind: "rule", rule });
    return Math.max(1, this.#rules.length - rulesBefore);
  }

  #readLiteral(sequence: GbnfElement[]): void {
    this.#position++;
    while (this.#text[this.#position] !== '"') {
      const code = this.#readCharacter();
      if (code === 0) this.#fail("a text cannot hold the character 0");
      this.#push(sequence, { kind: "characters", ranges: [[code, code]], negated: false });
    }
    this.#position++;
  }

  #readClass(sequence: GbnfElement[]): void {
    const offset = this.#position++;
    const negated = this.#text[this.#position] === "^";
    if (negated) this.#position++;
    const ranges: [number, number][] = [];
    while (this.#text[this.#position] !== "]") {
      const low = this.#readCharacter();
      let high = low;
      if (this.#text[this.#position] === "-" && this.#text[this.#position + 1] !== "]") {
        this.#position++;
        high = this.#readCharacter();
      }
      if (high < low) throw new GbnfError("a range ends before it starts", offset);
      ranges.push([low, high]);
    }
    this.#position++;
    if (ranges.length === 0) throw new GbnfError("a character class is empty", offset);
    this.#count(ranges.length * 2 - 1);
    this.#push(sequence, { kind: "characters", ranges, negated });
  }

  #readToken(sequence: GbnfElement[]): void {
    const match = /!?<(?:\[[0-9]{1,9}\]|[^[\]>\n][^>\n]{0,254})>/uy;
    match.lastIndex = this.#position;
    const found = match.exec(this.#text);
    if (found === null) this.#fail("a token is written <text> or <[id]>");
    this.#position += found[0].length;
    this.#push(sequence, { kind: "token" });
  }

  #readRepetition(newlines: boolean): readonly [number, number] {
    const sign = this.#text[this.#position++];
    if (sign !== "{") {
      this.#skipSpace(newlines);
      return [sign === "+" ? 1 : 0, sign === "?" ? 1 : Infinity];
    }
    this.#skipSpace(newlines);
    const least = this.#readInteger();
    let most = least;
    this.#skipSpace(newlines);
    if (this.#text[this.#position] === ",") {
      this.#position++;
      this.#skipSpace(newlines);
      most = this.#text[this.#position] === "}" ? Infinity : this.#readInteger();
      this.#skipSpace(newlines);
    }
    if (this.#text[this.#position] !== "}") this.#fail('"}" is missing');
    this.#position++;
    this.#skipSpace(newlines);
    if (most < least) this.#fail("a repetition ends before it starts");
    return [least, most];
  }

  /** S{m,n} → S m times, then rules that each allow one more: S' ::= S S'' | nothing. */
  #repeat(
    sequence: GbnfElement[],
    last: Repeatable,
    repetition: { readonly name: string; readonly least: number; readonly most: number },
  ): void {
    const { name, least, most } = repetition;
    const repeated = sequence.slice(last.start);
    if (repeated.length === 0) this.#fail("there is nothing to repeat");
    const times = Math.max(1, Number.isFinite(most) ? most : least);
    if (last.weight * times > gbnfLimits.repetitionsMax) {
      this.#fail(`repetitions multiply to more than ${gbnfLimits.repetitionsMax}`);
    }
    this.#count(repeated.length * times);
    if (least === 0) sequence.length = last.start;
    if (most === 0) return;
    for (let count = 1; count < least; count++) sequence.push(...repeated);
    const optional = Number.isFinite(most) ? most - least : 1;
    let following: number | null = null;
    for (let count = 0; count < optional; count++) {
      const rule = this.#newRule(name, this.#position);
      const next: number | null = Number.isFinite(most) ? following : rule;
      const body: GbnfElement[] =
        next === null ? repeated : [...repeated, { kind: "rule", rule: next }];
      defined(this.#rules[rule]).alternatives = [body, []];
      this.#count(4);
      following = rule;
    }
    if (following !== null) sequence.push({ kind: "rule", rule: following });
    last.weight *= times;
  }

  #readInteger(): number {
    const digits = /[0-9]{1,9}/uy;
    digits.lastIndex = this.#position;
    const found = digits.exec(this.#text);
    if (found === null) this.#fail("a number is missing");
    this.#position += found[0].length;
    const value = Number(found[0]);
    if (value > gbnfLimits.repetitionsMax) {
      this.#fail(`repetitions go up to ${gbnfLimits.repetitionsMax}`);
    }
    return value;
  }

  #readName(): string {
    const start = this.#position;
    while (wordPattern.test(this.#text[this.#position] ?? "")) this.#position++;
    const name = this.#text.slice(start, this.#position);
    if (name === "") this.#fail("a rule name is missing (letters, digits and dashes)");
    if (name.length > gbnfLimits.nameUnitsMax) throw new GbnfError("a name is too long", start);
    return name;
  }

  #readCharacter(): number {
    const code = this.#text.codePointAt(this.#position);
    if (code === undefined) this.#fail("the text ends too early");
    if (code >= 0xd800 && code <= 0xdfff) this.#fail("half a surrogate pair");
    if (code !== 0x5c) {
      this.#position += code > 0xffff ? 2 : 1;
      return code;
    }
    return this.#readEscape();
  }

  #readEscape(): number {
    const letter = this.#text[this.#position + 1] ?? "";
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits !== undefined) {
      const hex = this.#text.slice(this.#position + 2, this.#position + 2 + digits);
      if (hex.length < digits || !/^[0-9a-fA-F]+$/u.test(hex)) {
        this.#fail(`\\${letter} takes ${digits} hexadecimal digits`);
      }
      const code = Number.parseInt(hex, 16);
      if (code > 0x10ffff) this.#fail("there is no such character");
      this.#position += 2 + digits;
      return code;
    }
    const meaning = {
      t: "\t",
      r: "\r",
      n: "\n",
      "\\": "\\",
      '"': '"',
      "[": "[",
      "]": "]",
      "-": "-",
    };
    if (!Object.hasOwn(meaning, letter)) this.#fail("an unknown escape");
    this.#position += 2;
    return letter === "t" ? 9 : letter === "r" ? 13 : letter === "n" ? 10 : letter.charCodeAt(0);
  }

  #skipSpace(newlines: boolean): void {
    for (;;) {
      const next = this.#text[this.#position];
      if (next === "#") {
        while (!["\n", "\r", undefined].includes(this.#text[this.#position])) this.#position++;
      } else if (next === " " || next === "\t" || (newlines && (next === "\n" || next === "\r"))) {
        this.#position++;
      } else return;
    }
  }

  #ruleNamed(name: string, offset: number): number {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const rule = this.#newRule(name, offset);
    this.#named.set(name, rule);
    return rule;
  }

  #newRule(name: string, offset: number): number {
    if (this.#rules.length >= gbnfLimits.rulesMax) this.#fail("the grammar has too many rules");
    this.#rules.push({ name, alternatives: null, offset });
    return this.#rules.length - 1;
  }

  #push(sequence: GbnfElement[], element: GbnfElement): void {
    this.#count(1);
    sequence.push(element);
  }

  #count(elements: number): void {
    assert(elements >= 0, "a count only grows");
    this.#elements += elements;
    if (this.#elements > gbnfLimits.elementsMax) this.#fail("the grammar is too large");
  }

  #fail(message: string): never {
    throw new GbnfError(message, this.#position);
  }
}
