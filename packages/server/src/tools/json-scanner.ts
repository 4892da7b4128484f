// A JSON object read one character at a time: says whether the text so far can still become valid
// JSON, and where in it the last character stands. Iterative, with bounded depth.

export type ScanState = "open" | "complete" | "invalid";

type Expect =
  | "start"
  | "value"
  | "value or end"
  | "key"
  | "key or end"
  | "colon"
  | "separator"
  | "string"
  | "escape"
  | "unicode"
  | "bare"
  | "complete"
  | "invalid";

const depthMax = 64;
const barePattern = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;
const bareCharsMax = 64;

export class JsonScanner {
  #expect: Expect = "start";
  #stack: ("{" | "[")[] = [];
  #stringIsKey = false;
  #unicodeLeft = 0;
  #bare = "";

  get state(): ScanState {
    if (this.#expect === "complete" || this.#expect === "invalid") return this.#expect;
    return "open";
  }

  get depth(): number {
    return this.#stack.length;
  }

  /** Between the members of an object or array, a value having just ended. */
  get afterValue(): boolean {
    return this.#expect === "separator";
  }

  /** The next character that is not white space begins a value. */
  get beforeValue(): boolean {
    return this.#expect === "value" || this.#expect === "value or end";
  }

  get insideKey(): boolean {
    return this.#inString && this.#stringIsKey;
  }

  /** Inside a bare value (number or literal), which only its successor ends. */
  get insideBare(): boolean {
    return this.#expect === "bare";
  }

  get #inString(): boolean {
    return ["string", "escape", "unicode"].includes(this.#expect);
  }

  push(char: string): ScanState {
    if (this.#inString) this.#expect = this.#afterStringChar(char);
    else if (this.#expect === "bare") this.#pushBare(char);
    else if (!isJsonSpace(char)) this.#expect = this.#afterToken(char);
    return this.state;
  }

  #afterStringChar(char: string): Expect {
    if (this.#expect === "escape") {
      this.#unicodeLeft = 4;
      if (char === "u") return "unicode";
      return '"\\/bfnrt'.includes(char) ? "string" : "invalid";
    }
    if (this.#expect === "unicode") {
      if (!/^[0-9a-fA-F]$/.test(char)) return "invalid";
      return --this.#unicodeLeft === 0 ? "string" : "unicode";
    }
    if (char === "\\") return "escape";
    if (char === '"') return this.#stringIsKey ? "colon" : "separator";
    return char < " " ? "invalid" : "string";
  }

  #pushBare(char: string): void {
    if (/^[-+.0-9a-zA-Z]$/.test(char)) {
      this.#bare += char;
      if (this.#bare.length > bareCharsMax) this.#expect = "invalid";
      return;
    }
    this.#expect = barePattern.test(this.#bare) ? "separator" : "invalid";
    if (this.#expect === "separator" && !isJsonSpace(char)) this.#expect = this.#afterToken(char);
  }

  #afterToken(char: string): Expect {
    if (this.beforeValue) return this.#beginValue(char);
    if (this.#expect === "separator") return this.#separate(char);
    if (this.#expect === "key" || this.#expect === "key or end") return this.#beginKey(char);
    if (this.#expect === "colon") return char === ":" ? "value" : "invalid";
    return this.#expect === "start" && char === "{" ? this.#open(char) : "invalid";
  }

  #beginValue(char: string): Expect {
    if (char === "{" || char === "[") return this.#open(char);
    if (char === "]" && this.#expect === "value or end") return this.#close(char);
    if (char === '"') {
      this.#stringIsKey = false;
      return "string";
    }
    if (!/^[-0-9tfn]$/.test(char)) return "invalid";
    this.#bare = char;
    return "bare";
  }

  #beginKey(char: string): Expect {
    if (char === "}" && this.#expect === "key or end") return this.#close(char);
    if (char !== '"') return "invalid";
    this.#stringIsKey = true;
    return "string";
  }

  #separate(char: string): Expect {
    if (char === "}" || char === "]") return this.#close(char);
    if (char !== ",") return "invalid";
    return this.#stack.at(-1) === "{" ? "key" : "value";
  }

  #open(bracket: "{" | "["): Expect {
    this.#stack.push(bracket);
    if (this.#stack.length > depthMax) return "invalid";
    return bracket === "{" ? "key or end" : "value or end";
  }

  #close(bracket: "}" | "]"): Expect {
    if (this.#stack.pop() !== (bracket === "}" ? "{" : "[")) return "invalid";
    return this.#stack.length === 0 ? "complete" : "separator";
  }
}

export function isJsonSpace(char: string): boolean {
  return char === " " || char === "\n" || char === "\r" || char === "\t";
}
