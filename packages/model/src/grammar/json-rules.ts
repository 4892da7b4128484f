// The rules of JSON text that every schema's grammar shares. Whitespace is bounded, because small
// models otherwise fill their whole answer with it: at most one line break with an indentation
// between elements, at most one space after a colon.
import type { JsonSpacing } from "@loci/core";
import { repeated, type GbnfWriter } from "./gbnf-writer.ts";

/** Digits of an integer: every such number is exact in a double. */
export const integerDigitsMax = 15;

/** Nesting of a value that no schema describes. */
const freeNestingMax = 16;

export class JsonRules {
  readonly #writer: GbnfWriter;
  readonly #spacing: JsonSpacing;
  /** By nesting: each level refers twice to the one below. */
  readonly #values = new Map<number, string>();

  constructor(writer: GbnfWriter, spacing: JsonSpacing) {
    this.#writer = writer;
    this.#spacing = spacing;
  }

  /** Between brackets, members and items. */
  get space(): string {
    if (this.#spacing === "one-line") return "[ ]?";
    return this.#writer.rule("space", '(" " | "\\n" [ ]{0,32})?');
  }

  /** After a colon. */
  get colon(): string {
    return '":" [ ]?';
  }

  /** One character of a string, escaped or not: exactly one code point of the value. */
  get character(): string {
    const hex = "[0-9a-fA-F]";
    const unit = this.#writer.rule(
      "code-unit",
      `[0-9a-cA-CefEF] ${hex} ${hex} ${hex} | [dD] [0-7] ${hex} ${hex}`,
    );
    return this.#writer.rule(
      "character",
      `[^"\\\\\\x00-\\x1f] | "\\\\" (["\\\\/bfnrt] | "u" ${unit})`,
    );
  }

  /** A string of `least` to `most` characters. */
  string(least: number, most: number | null): string {
    const characters = repeated(this.character, least, most);
    return this.#writer.rule("string", `"\\"" ${characters} "\\""`);
  }

  get integer(): string {
    return this.#writer.rule("integer", `"-"? ("0" | [1-9] [0-9]{0,${integerDigitsMax - 1}})`);
  }

  /** Always finite as a double. */
  get number(): string {
    return this.#writer.rule(
      "number",
      `${this.integer} ${this.fraction}? ([eE] [-+]? [0-9]{1,2})?`,
    );
  }

  get fraction(): string {
    return this.#writer.rule("fraction", '"." [0-9]{1,15}');
  }

  get boolean(): string {
    return this.#writer.rule("boolean", '"true" | "false"');
  }

  get null(): string {
    return '"null"';
  }

  /** Any value, nested to `nesting` more levels. */
  value(nesting: number = freeNestingMax): string {
    const known = this.#values.get(nesting);
    if (known !== undefined) return known;
    const scalars = `${this.string(0, null)} | ${this.number} | ${this.boolean} | ${this.null}`;
    const nested = nesting === 0 ? "" : `${this.object(nesting)} | ${this.array(nesting)} | `;
    const rule = this.#writer.rule("value", nested + scalars);
    this.#values.set(nesting, rule);
    return rule;
  }

  /** Any object, its values nested to `nesting - 1` more levels. */
  object(nesting: number = freeNestingMax): string {
    const { space } = this;
    const member = `${this.string(0, null)} ${this.colon} ${this.value(nesting - 1)}`;
    const more = this.#writer.rule("members", `"," ${space} ${member}`);
    return this.#writer.rule("object", `"{" ${space} (${member} ${more}* ${space})? "}"`);
  }

  array(nesting: number = freeNestingMax): string {
    const { space } = this;
    const item = this.value(nesting - 1);
    const more = this.#writer.rule("items", `"," ${space} ${item}`);
    return this.#writer.rule("array", `"[" ${space} (${item} ${more}* ${space})? "]"`);
  }
}
