// Reads the part of Go's template language that our chart uses, so that the chart can be checked
// where Helm is not installed: a template becomes a tree of texts, outputs and blocks.

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  /** `$name.a.b`, `.a.b` (an empty name) or `$` alone. */
  | { readonly kind: "path"; readonly variable: string; readonly fields: readonly string[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] };

export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "output"; readonly value: Expression }
  | { readonly kind: "assign"; readonly variable: string; readonly value: Expression }
  | {
      readonly kind: "if" | "with" | "range" | "define";
      /** Of `define`: the template's name. */
      readonly value: Expression;
      /** Of `range`: names of key and value. */
      readonly variables: readonly string[];
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

const wordPattern =
  /\s*("(?:[^"\\]|\\.)*"|\d+|\$?[A-Za-z_]\w*(?:\.\w+)*|\$(?:\.\w+)*|(?:\.\w+)+|\.|:=|[|(),])/y;

/** @throws Error naming what it does not understand */
export function parseTemplate(text: string): readonly Node[] {
  const parser = new TemplateParser(splitActions(text));
  return parser.parseBody("").nodes;
}

type Piece = { readonly kind: "text" | "action"; readonly text: string };

/** Texts and actions in turn; dashes inside the braces have taken the blanks beside them. */
function splitActions(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let rest = text;
  for (;;) {
    const action = /\{\{(-\s)?([\s\S]*?)(\s-)?\}\}/.exec(rest);
    if (action === null) return [...pieces, { kind: "text", text: rest }];
    const [whole, dashBefore, inside = "", dashAfter] = action;
    const before = rest.slice(0, action.index);
    pieces.push({ kind: "text", text: dashBefore === undefined ? before : before.trimEnd() });
    pieces.push({ kind: "action", text: inside.trim() });
    rest = rest.slice(action.index + whole.length);
    if (dashAfter !== undefined) rest = rest.trimStart();
  }
}

class TemplateParser {
  readonly #pieces: readonly Piece[];
  #position = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  /** Up to the `else` or `end` of the block; or of the template, for `block` "". */
  parseBody(block: string): { readonly nodes: readonly Node[]; readonly end: string } {
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#position++];
      if (piece === undefined) {
        if (block === "") return { nodes, end: "" };
        throw new Error(`{{ ${block} }} has no end`);
      }
      if (piece.kind === "text") {
        nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      if (piece.text === "end" || piece.text === "else") {
        if (block !== "") return { nodes, end: piece.text };
        throw new Error(`{{ ${piece.text} }} belongs to nothing`);
      }
      const node = this.#parseAction(piece.text);
      if (node !== null) nodes.push(node);
    }
  }

  #parseAction(action: string): Node | null {
    if (action.startsWith("/*")) return null;
    const [, keyword, rest = ""] = /^(if|with|range|define)\s([\s\S]*)$/.exec(action) ?? [];
    if (keyword === "if" || keyword === "with" || keyword === "range" || keyword === "define") {
      return this.#parseBlock(keyword, rest);
    }
    const assignment = /^\$(\w+)\s*:=([\s\S]*)$/.exec(action);
    if (assignment !== null) {
      const [, variable = "", value = ""] = assignment;
      return { kind: "assign", variable, value: parseExpression(value) };
    }
    return { kind: "output", value: parseExpression(action) };
  }

  #parseBlock(kind: "if" | "with" | "range" | "define", rest: string): Node {
    const names = kind === "range" ? /^\$(\w+),\s*\$(\w+)\s*:=/.exec(rest) : null;
    const value = parseExpression(names === null ? rest : rest.slice(names[0].length));
    const first = this.parseBody(kind);
    const otherwise = first.end === "else" ? this.parseBody(kind).nodes : [];
    const variables = names?.slice(1) ?? [];
    return { kind, value, variables, body: first.nodes, otherwise };
  }
}

function parseExpression(text: string): Expression {
  const words = readWords(text);
  const value = parsePipeline(words);
  if (words.length > 0) throw new Error(`cannot read {{ ${text} }}`);
  return value;
}

function readWords(text: string): string[] {
  const words: string[] = [];
  wordPattern.lastIndex = 0;
  while (wordPattern.lastIndex < text.trimEnd().length) {
    const at = wordPattern.lastIndex;
    const word = wordPattern.exec(text)?.[1];
    if (word === undefined) throw new Error(`cannot read {{ ${text.slice(at)} }}`);
    words.push(word);
  }
  return words;
}

/** What comes before a bar is the last argument of what comes after it. */
function parsePipeline(words: string[]): Expression {
  let value = parseCommand(words);
  while (words[0] === "|") {
    words.shift();
    const next = parseCommand(words);
    if (next.kind !== "call") throw new Error("only functions stand behind a bar");
    value = { ...next, args: [...next.args, value] };
  }
  return value;
}

function parseCommand(words: string[]): Expression {
  const first = parseOperand(words);
  if (first.kind !== "call" || first.args.length > 0) return first;
  const args: Expression[] = [];
  while (words.length > 0 && words[0] !== "|" && words[0] !== ")") args.push(parseOperand(words));
  return { ...first, args };
}

function parseOperand(words: string[]): Expression {
  const word = words.shift();
  if (word === undefined) throw new Error("an expression ends too early");
  if (word === "(") {
    const inside = parsePipeline(words);
    if (words.shift() !== ")") throw new Error("a parenthesis is not closed");
    // In parentheses it is a value, not a function to be given more.
    return { kind: "call", name: "the", args: [inside] };
  }
  if (word.startsWith('"')) return { kind: "literal", value: String(JSON.parse(word)) };
  if (/^\d+$/.test(word)) return { kind: "literal", value: Number(word) };
  if (word === "true" || word === "false") return { kind: "literal", value: word === "true" };
  if (!word.startsWith(".") && !word.startsWith("$")) return { kind: "call", name: word, args: [] };
  const [head = "", ...fields] = word.split(".");
  return { kind: "path", variable: head, fields: fields.filter((field) => field !== "") };
}
