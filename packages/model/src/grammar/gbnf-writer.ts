// Collects rules into GBNF text. Every part handed on is one atom (a rule name, a literal or a
// class), so that a repetition of it counts once; equal rules are written once.
import { assert } from "@loci/core";

export class GbnfWriter {
  /** Name → body; null while a name is reserved for a rule that refers to itself. */
  readonly #bodies = new Map<string, string | null>();
  readonly #names = new Map<string, string>();
  readonly #rulesMax: number;

  /** `rulesMax` guards the writer's own memory; the caller answers for it by `isFull`. */
  constructor(rulesMax: number) {
    this.#rulesMax = rulesMax;
  }

  get isFull(): boolean {
    return this.#bodies.size >= this.#rulesMax;
  }

  /** The name of a rule with this body, made with `hint` (letters and dashes) if there is none. */
  rule(hint: string, body: string): string {
    const known = this.#names.get(body);
    if (known !== undefined) return known;
    const name = this.reserve(hint);
    this.define(name, body);
    this.#names.set(body, name);
    return name;
  }

  /** A name to be defined later, for rules that refer to themselves. */
  reserve(hint: string): string {
    const name = this.#bodies.has(hint) ? `${hint}-${this.#bodies.size}` : hint;
    assert(!this.#bodies.has(name), "names are fresh");
    this.#bodies.set(name, null);
    return name;
  }

  define(name: string, body: string): void {
    assert(this.#bodies.get(name) === null, "a rule is reserved before and defined once");
    this.#bodies.set(name, body);
  }

  /** All rules, `root` first. */
  text(root: string): string {
    const lines = [`root ::= ${root}`];
    for (const [name, body] of this.#bodies) {
      assert(body !== null, "every reserved rule is defined");
      lines.push(`${name} ::= ${body}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

const literalEscapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
};

/** `text` (well-formed) as a GBNF literal. */
export function literal(text: string): string {
  assert(text.isWellFormed(), "a literal has no half surrogate pairs");
  const body = text.replaceAll(/["\\\p{Cc}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return literalEscapes[character] ?? `\\x${code.toString(16).padStart(2, "0")}`;
  });
  return `"${body}"`;
}

/** Inclusive code point ranges as a GBNF class. */
export function characterClass(ranges: readonly (readonly [number, number])[]): string {
  assert(ranges.length > 0, "a class has a range");
  const parts = ranges.map(([low, high]) =>
    low === high ? classCode(low) : `${classCode(low)}-${classCode(high)}`,
  );
  return `[${parts.join("")}]`;
}

function classCode(code: number): string {
  const isPlain =
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a);
  if (isPlain) return String.fromCharCode(code);
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code <= 0xffff) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}

/** `part` between `least` and `most` times; `most` null = without end. Empty for 0 times. */
export function repeated(part: string, least: number, most: number | null): string {
  assert(most === null || least <= most, "a repetition has room");
  if (most === null)
    return least === 0 ? `${part}*` : least === 1 ? `${part}+` : `${part}{${least},}`;
  if (most === 0) return "";
  if (least === 1 && most === 1) return part;
  return least === most ? `${part}{${least}}` : `${part}{${least},${most}}`;
}

/**
 * An alternation of literals as a tree over their common fronts, so that each character leaves
 * few ways open. `texts` are distinct and not empty.
 */
export function literalChoice(writer: GbnfWriter, texts: readonly string[]): string {
  assert(texts.length > 0, "a choice has an alternative");
  const sorted = texts.map((text) => Array.from(text)).toSorted(compareCharacters);
  return choiceAfter(writer, sorted, 0);
}

function compareCharacters(a: readonly string[], b: readonly string[]): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a[index] ?? "";
    const right = b[index] ?? "";
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

/** What may follow the first `offset` characters, which `texts` (sorted) have in common. */
function choiceAfter(
  writer: GbnfWriter,
  texts: readonly (readonly string[])[],
  offset: number,
): string {
  const branches: string[] = [];
  for (let from = 0; from < texts.length;) {
    const first = texts[from] ?? [];
    let to = from + 1;
    while (to < texts.length && texts[to]?.[offset] === first[offset]) to++;
    const last = texts[to - 1] ?? [];
    let end = offset;
    while (end < first.length && first[end] === last[end]) end++;
    // `""` is the end of a text. It must be written: after a bare `|` the next line would follow.
    const front = literal(first.slice(offset, end).join(""));
    branches.push(
      to - from === 1 ? front : `${front} ${choiceAfter(writer, texts.slice(from, to), end)}`,
    );
    from = to;
  }
  const [only] = branches;
  if (branches.length === 1 && only !== undefined) return only;
  return writer.rule("choice", branches.join(" | "));
}
