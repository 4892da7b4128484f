// One call written as a JSON object with a name and arguments, in any order and with any other
// members. As soon as the name is known the call begins, and arguments that are an object leave as
// they come; arguments written as a JSON string are decoded once they are complete.

import type { DeltaSink } from "./tool-call-parser.ts";
import { isJsonSpace, JsonScanner, type ScanState } from "./json-scanner.ts";

/** Text held back before a call begins, at most; more is no call. */
const heldCharsMax = 65_536;

/** Where the scanner stood before a character. */
type Place = Pick<JsonScanner, "depth" | "insideKey" | "insideBare" | "beforeValue">;

export class CallObject {
  readonly #names: ReadonlySet<string>;
  readonly #sink: DeltaSink;
  readonly #scanner = new JsonScanner();
  /** Everything pushed until the call begins; emptied then, except for the current member. */
  #text = "";
  #keyStart = -1;
  #key = "";
  #valueStart = -1;
  #name: string | null = null;
  /** Arguments that came before the name. */
  #earlyArguments: string | null = null;
  #begun = false;
  #argumentsSeen = false;
  #streaming = false;

  constructor(names: ReadonlySet<string>, sink: DeltaSink) {
    this.#names = names;
    this.#sink = sink;
  }

  /** Whether the call has begun: from here on its text is no longer content. */
  get begun(): boolean {
    return this.#begun;
  }

  /**
   * The next character. "invalid": this is no call. Once the call has begun only a character that
   * cannot continue the JSON text does that, and it is not part of the call.
   */
  push(char: string): ScanState {
    const scanner = this.#scanner;
    const { depth, insideKey, insideBare, beforeValue } = scanner;
    const before = { depth, insideKey, insideBare, beforeValue };
    const state = scanner.push(char);
    if (state === "invalid") return state;
    const at = this.#text.length;
    this.#text += char;
    if (!this.#begun && this.#text.length > heldCharsMax) return "invalid";
    this.#followKey(before, at);
    if (!this.#followValue(before, at)) return "invalid";
    return state === "complete" ? this.#finish() : state;
  }

  #followKey(before: Place, at: number): void {
    const { depth, insideKey } = this.#scanner;
    if (depth !== 1 || insideKey === before.insideKey) return;
    if (insideKey) this.#keyStart = at;
    else this.#key = String(JSON.parse(this.#text.slice(this.#keyStart)));
  }

  /** False when a member makes this no call. */
  #followValue(before: Place, at: number): boolean {
    const { depth, insideBare, afterValue } = this.#scanner;
    const char = this.#text.charAt(at);
    if (before.depth === 1 && before.beforeValue && !isJsonSpace(char)) this.#beginValue(at, char);
    if (this.#streaming) this.#sink.arguments(char);
    if (this.#valueStart < 0) return true;
    // A bare value ends with the character after it.
    const bareEnded = before.insideBare && before.depth === 1 && !insideBare;
    if (!bareEnded && !(depth === 1 && afterValue)) return true;
    return this.#endValue(this.#text.slice(this.#valueStart, bareEnded ? at : at + 1));
  }

  #beginValue(at: number, char: string): void {
    this.#valueStart = at;
    if (!isArgumentsKey(this.#key) || this.#argumentsSeen || char !== "{") return;
    if (this.#name === null) return;
    this.#argumentsSeen = true;
    this.#begin(this.#name);
    this.#streaming = true;
  }

  /** False when the member makes this no call. */
  #endValue(value: string): boolean {
    this.#valueStart = -1;
    if (this.#streaming) {
      this.#streaming = false;
      return true;
    }
    if (this.#key === "name" && this.#name === null) return this.#takeName(value);
    if (!isArgumentsKey(this.#key) || this.#argumentsSeen) return true;
    const text = argumentsText(value);
    if (text === null) return false;
    this.#argumentsSeen = true;
    if (this.#name === null) this.#earlyArguments = text;
    else this.#begin(this.#name, text);
    return true;
  }

  #takeName(value: string): boolean {
    const name: unknown = JSON.parse(value);
    if (typeof name !== "string" || !this.#names.has(name)) return false;
    this.#name = name;
    if (this.#earlyArguments !== null) this.#begin(name, this.#earlyArguments);
    return true;
  }

  #begin(name: string, text = ""): void {
    this.#begun = true;
    this.#sink.call(name);
    this.#sink.arguments(text);
  }

  #finish(): ScanState {
    if (this.#name === null) return "invalid";
    if (!this.#begun) this.#begin(this.#name, "{}");
    return "complete";
  }
}

function isArgumentsKey(key: string): boolean {
  return key === "arguments" || key === "parameters";
}

/** The JSON text of an object, given as itself or inside a string; null for anything else. */
function argumentsText(value: string): string | null {
  const parsed: unknown = JSON.parse(value);
  if (parsed === null) return "{}";
  if (typeof parsed === "string") return isObjectText(parsed) ? parsed : null;
  return isObject(parsed) ? value : null;
}

function isObjectText(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    // Not JSON, so not arguments: the caller treats the whole text as content.
    return false;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
