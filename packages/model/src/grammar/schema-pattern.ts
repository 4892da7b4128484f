// A `pattern` of a schema as GBNF: the part of JavaScript's regular expressions that describes
// texts character by character. It is read here and never compiled by the engine. What is written
// is the JSON form of the characters, so a quote in the pattern becomes an escaped quote.
import { characterClass, literal, repeated, type GbnfWriter } from "./gbnf-writer.ts";
import { gbnfLimits } from "./gbnf-limits.ts";
import type { SchemaContext } from "./schema-context.ts";
import { refuseSchema } from "./schema-error.ts";

type Ranges = readonly (readonly [number, number])[];

const lastCode = 0x10ffff;
const digitRanges: Ranges = [[0x30, 0x39]];
const wordRanges: Ranges = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const spaceRanges: Ranges = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: Ranges = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const controlEscapes: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 };
const surrogates: Ranges = [[0xd800, 0xdfff]];

const nestingMax = 24;

/**
 * The text between the quotes that `pattern` allows. Where it is not anchored by ^ or $, any
 * number of `character` comes before or after it.
 */
export function patternRule(
  { writer, json }: SchemaContext,
  pattern: string,
  path: string,
): string {
  const { rule, startsAnchored, endsAnchored } = new PatternReader(writer, pattern, path).read();
  const before = startsAnchored ? "" : `${json.character}* `;
  const after = endsAnchored ? "" : ` ${json.character}*`;
  return `${before}${rule}${after}`;
}

class PatternReader {
  readonly #writer: GbnfWriter;
  readonly #path: string;
  readonly #characters: readonly string[];
  #position = 0;

  constructor(writer: GbnfWriter, pattern: string, path: string) {
    this.#writer = writer;
    this.#path = path;
    this.#characters = Array.from(pattern);
  }

  read(): { rule: string; startsAnchored: boolean; endsAnchored: boolean } {
    const last = this.#characters.length - 1;
    let slashes = 0;
    while (this.#characters[last - 1 - slashes] === "\\") slashes++;
    const startsAnchored = this.#characters[0] === "^";
    const endsAnchored = this.#characters[last] === "$" && slashes % 2 === 0;
    this.#position = startsAnchored ? 1 : 0;
    const end = endsAnchored ? last : last + 1;
    const body = this.#alternatives(0, end);
    if (this.#position !== end) this.#refuse("has a ) too many");
    // ^a|b$ anchors each alternative on one side only.
    if (body.alternatives > 1 && (startsAnchored || endsAnchored)) {
      this.#refuse("must have its alternatives in a group: ^(a|b)$");
    }
    return { rule: body.rule, startsAnchored, endsAnchored };
  }

  #alternatives(nesting: number, end: number): { rule: string; alternatives: number } {
    if (nesting > nestingMax) this.#refuse("is nested too deeply");
    const branches = [this.#sequence(nesting, end)];
    while (this.#position < end && this.#next() === "|") {
      this.#position++;
      branches.push(this.#sequence(nesting, end));
    }
    const distinct = [...new Set(branches)];
    return {
      rule: this.#writer.rule("pattern", distinct.join(" | ")),
      alternatives: branches.length,
    };
  }

  #sequence(nesting: number, end: number): string {
    const parts: string[] = [];
    while (this.#position < end) {
      const next = this.#next();
      if (next === "|" || next === ")") break;
      const atom = this.#atom(nesting, end);
      const [least, most] = this.#quantifier(end);
      const part = repeated(atom, least, most);
      if (part !== "") parts.push(part);
    }
    return parts.length === 0 ? '""' : parts.join(" ");
  }

  #atom(nesting: number, end: number): string {
    const next = this.#next();
    if (next === "(") return this.#group(nesting, end);
    if (next === "[") return this.#class(end);
    this.#position++;
    if (next === ".") return this.#anyOf(complement(lineEnds));
    if (next === "\\") return this.#anyOf(this.#escape(end));
    if ("^$*+?{}]".includes(next)) this.#refuse(`uses ${next} in a way that is not supported`);
    return this.#anyOf([this.#single(next)]);
  }

  #group(nesting: number, end: number): string {
    this.#position++;
    if (this.#next() === "?") {
      const kind = this.#characters[this.#position + 1];
      if (kind !== ":") this.#refuse("uses look-around, a named group or flags");
      this.#position += 2;
    }
    const { rule } = this.#alternatives(nesting + 1, end);
    if (this.#position >= end || this.#next() !== ")") this.#refuse("has a ( too many");
    this.#position++;
    return rule;
  }

  #quantifier(end: number): readonly [number, number | null] {
    if (this.#position >= end) return [1, 1];
    const sign = this.#next();
    let bounds: readonly [number, number | null] = [1, 1];
    if (sign === "*") bounds = [0, null];
    else if (sign === "+") bounds = [1, null];
    else if (sign === "?") bounds = [0, 1];
    else if (sign === "{") bounds = this.#bounds(end);
    else return bounds;
    this.#position++;
    // A lazy quantifier allows the same texts.
    if (this.#position < end && this.#next() === "?") this.#position++;
    if (this.#position < end && "*+{".includes(this.#next())) this.#refuse("repeats a repetition");
    return bounds;
  }

  /** Reads {m}, {m,} or {m,n} up to its closing brace. */
  #bounds(end: number): readonly [number, number | null] {
    let text = "";
    while (this.#position + 1 < end && this.#next() !== "}") {
      this.#position++;
      text += this.#next();
    }
    const match = /^([0-9]{1,4})(,([0-9]{0,4}))?\}$/u.exec(text);
    if (match === null) this.#refuse("has a repetition that is not {m}, {m,} or {m,n}");
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === "" ? null : Number(match[3]);
    if (least > gbnfLimits.repetitionsMax || (most ?? 0) > gbnfLimits.repetitionsMax) {
      this.#refuse(`repeats more than ${gbnfLimits.repetitionsMax} times`);
    }
    if (most !== null && most < least) this.#refuse("has a repetition that ends before it starts");
    return [least, most];
  }

  #class(end: number): string {
    this.#position++;
    const negated = this.#next() === "^";
    if (negated) this.#position++;
    const ranges: (readonly [number, number])[] = [];
    while (this.#position < end && this.#next() !== "]") {
      const from = this.#classItem(end);
      if (this.#next() === "-" && this.#characters[this.#position + 1] !== "]") {
        this.#position++;
        ranges.push(this.#range(from, this.#classItem(end)));
      } else {
        ranges.push(...from);
      }
    }
    if (this.#position >= end) this.#refuse("has a [ too many");
    this.#position++;
    return this.#anyOf(negated ? complement(ranges) : ranges);
  }

  #range(from: Ranges, to: Ranges): readonly [number, number] {
    const low = onlyCode(from);
    const high = onlyCode(to);
    if (low === null || high === null || high < low) {
      this.#refuse("has a range of characters that is none");
    }
    return [low, high];
  }

  #classItem(end: number): Ranges {
    const next = this.#next();
    this.#position++;
    if (next === "\\") return this.#escape(end);
    return [this.#single(next)];
  }

  /** What follows a backslash. */
  #escape(end: number): Ranges {
    if (this.#position >= end) this.#refuse("ends with a backslash");
    const letter = this.#next();
    this.#position++;
    if (letter === "d") return digitRanges;
    if (letter === "D") return complement(digitRanges);
    if (letter === "w") return wordRanges;
    if (letter === "W") return complement(wordRanges);
    if (letter === "s") return spaceRanges;
    if (letter === "S") return complement(spaceRanges);
    const control = Object.hasOwn(controlEscapes, letter) ? controlEscapes[letter] : undefined;
    if (control !== undefined) return [[control, control]];
    const digits = letter === "x" ? 2 : letter === "u" ? 4 : 0;
    if (digits > 0) return [this.#hexadecimal(digits, end)];
    if (/[A-Za-z0-9]/u.test(letter)) this.#refuse(`uses \\${letter}`);
    return [this.#single(letter)];
  }

  #hexadecimal(digits: number, end: number): readonly [number, number] {
    const text = this.#characters.slice(this.#position, this.#position + digits).join("");
    const code = Number.parseInt(text, 16);
    const isHex = /^[0-9a-fA-F]+$/u.test(text);
    if (text.length < digits || this.#position + digits > end || !isHex) {
      this.#refuse("has an incomplete \\x or \\u");
    }
    if (code >= 0xd800 && code <= 0xdfff) this.#refuse("names half a surrogate pair");
    this.#position += digits;
    return [code, code];
  }

  #single(character: string): readonly [number, number] {
    const code = character.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) this.#refuse("holds half a surrogate pair");
    return [code, code];
  }

  /** One character of `ranges`, in the form it has inside a JSON string. */
  #anyOf(ranges: Ranges): string {
    const allowed = complement([...complement(ranges), ...surrogates]);
    const special: Ranges = [
      [0x00, 0x1f],
      [0x22, 0x22],
      [0x5c, 0x5c],
    ];
    const plain = complement([...complement(allowed), ...special]);
    const parts: string[] = [];
    if (plain.length > 0) parts.push(characterClass(plain));
    for (const [low, high] of special) {
      for (let code = low; code <= high; code++) {
        if (!contains(allowed, code)) continue;
        parts.push(literal(JSON.stringify(String.fromCodePoint(code)).slice(1, -1)));
      }
    }
    if (parts.length === 0) this.#refuse("allows no character at one place");
    const [only] = parts;
    return parts.length === 1 && only?.startsWith("[") === true
      ? only
      : this.#writer.rule("one-of", parts.join(" | "));
  }

  #next(): string {
    return this.#characters[this.#position] ?? "";
  }

  #refuse(reason: string): never {
    refuseSchema(this.#path, `its pattern ${reason}`);
  }
}

/** The one character of `ranges`, or null if there are more. */
function onlyCode(ranges: Ranges): number | null {
  const [only] = ranges;
  return ranges.length === 1 && only !== undefined && only[0] === only[1] ? only[0] : null;
}

function contains(ranges: Ranges, code: number): boolean {
  return ranges.some(([low, high]) => low <= code && code <= high);
}

/** The code points outside `ranges`, sorted and joined. */
function complement(ranges: Ranges): Ranges {
  const gaps: [number, number][] = [];
  let from = 0;
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (low > from) gaps.push([from, low - 1]);
    from = Math.max(from, high + 1);
  }
  if (from <= lastCode) gaps.push([from, lastCode]);
  return gaps;
}
