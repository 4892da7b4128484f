// The set of places in a grammar that a text may have reached, as llama.cpp keeps it: one stack
// of continuations per way to read the text. Equal stacks are one object here (each is a position
// and the stack below it, found again by number), so a set stays cheap to hold and to compare.
//
// Each stack of a set has a count of the paths that lead to it. llama.cpp joins equal stacks after
// each token, but when it rejects a token it walks every path through the token's characters.
import { assert, defined } from "@loci/core";
import type { GbnfElement, ParsedGrammar } from "./gbnf-parser.ts";

/** Where a sequence goes on: an element and the stack that follows its sequence. */
interface Stack {
  readonly id: number;
  readonly position: Position;
  readonly below: Stack | null;
}

interface Position {
  readonly id: number;
  readonly element: GbnfElement;
  /** The next element of the same sequence; null at its end. */
  readonly next: Position | null;
}

/** The stacks with a character at the top that one stack stands for. */
interface Closure {
  readonly stacks: readonly Stack[];
  readonly complete: boolean;
}

export interface StackSet {
  /** Stack → number of paths to it. */
  readonly stacks: ReadonlyMap<Stack, number>;
  /** Sum of these numbers. */
  readonly paths: number;
  /** The text read so far is a whole sentence. */
  readonly complete: boolean;
}

/** Raised when one set would hold more stacks than allowed. */
export class StackLimitError extends Error {
  override readonly name = "StackLimitError";
}

/** Places passed on the way to one stack: bounds the work of one character. */
const passedPerStackMax = 64;

/** Walks one grammar without left recursion. Holds every stack it has met: use it briefly. */
export class StackWalker {
  /** First positions of each rule's alternatives; null for an empty one. */
  readonly #starts: (readonly (Position | null)[])[];
  readonly #known = new Map<number, Map<number, Stack>>();
  readonly #closures = new Map<Stack, Closure>();
  readonly #stacksMax: number;
  readonly #root: number;
  #knownCount = 0;

  constructor(grammar: ParsedGrammar, stacksMax: number) {
    let positions = 0;
    this.#starts = grammar.rules.map((rule) =>
      rule.alternatives.map((sequence) => {
        let next: Position | null = null;
        for (const element of sequence.toReversed()) next = { id: positions++, element, next };
        return next;
      }),
    );
    this.#stacksMax = stacksMax;
    this.#root = grammar.root;
  }

  /** Stacks remembered so far. */
  get knownCount(): number {
    return this.#knownCount;
  }

  /** Before the first character. */
  start(): StackSet {
    const starts = defined(this.#starts[this.#root]).map((start) => this.#push(start, null));
    return this.#joined(starts.map((stack) => ({ stack, paths: 1 })));
  }

  /** After one more character; no stack and not complete when the grammar does not allow it. */
  advance(set: StackSet, code: number): StackSet {
    const next: { readonly stack: Stack | null; readonly paths: number }[] = [];
    for (const [{ position, below }, paths] of set.stacks) {
      if (!allows(position.element, code)) continue;
      next.push({ stack: this.#push(position.next, below), paths });
    }
    return this.#joined(next);
  }

  #joined(tops: readonly { readonly stack: Stack | null; readonly paths: number }[]): StackSet {
    const stacks = new Map<Stack, number>();
    let total = 0;
    let complete = false;
    for (const { stack, paths } of tops) {
      const closure = this.#closureOf(stack);
      complete ||= closure.complete;
      total += paths * closure.stacks.length;
      for (const each of closure.stacks) stacks.set(each, (stacks.get(each) ?? 0) + paths);
      if (stacks.size > this.#stacksMax) throw new StackLimitError();
    }
    return { stacks, paths: total, complete };
  }

  /** Replaces rules at the top by what they stand for until only characters are at the top. */
  #closureOf(top: Stack | null): Closure {
    if (top === null) return { stacks: [], complete: true };
    const remembered = this.#closures.get(top);
    if (remembered !== undefined) return remembered;
    const seen = new Set<Stack | null>();
    const stacks: Stack[] = [];
    const todo: (Stack | null)[] = [top];
    for (let stack = todo.pop(); stack !== undefined; stack = todo.pop()) {
      if (seen.has(stack)) continue;
      seen.add(stack);
      if (seen.size > this.#stacksMax * passedPerStackMax) throw new StackLimitError();
      if (stack === null) continue;
      const { element, next } = stack.position;
      if (element.kind !== "rule") {
        stacks.push(stack);
        if (stacks.length > this.#stacksMax) throw new StackLimitError();
        continue;
      }
      const below = this.#push(next, stack.below);
      for (const start of defined(this.#starts[element.rule])) todo.push(this.#push(start, below));
    }
    const closure = { stacks, complete: seen.has(null) };
    assert(closure.complete || stacks.length > 0, "without left recursion there is a way on");
    this.#closures.set(top, closure);
    return closure;
  }

  /** The stack of `position` on `below`; a sequence at its end needs no place on the stack. */
  #push(position: Position | null, below: Stack | null): Stack | null {
    if (position === null) return below;
    const belowId = below === null ? -1 : below.id;
    let siblings = this.#known.get(belowId);
    if (siblings === undefined) {
      siblings = new Map();
      this.#known.set(belowId, siblings);
    }
    let stack = siblings.get(position.id);
    if (stack === undefined) {
      stack = { id: this.#knownCount++, position, below };
      siblings.set(position.id, stack);
    }
    return stack;
  }
}

/** `set` with one path to each stack, as at the start of a token. */
export function withSinglePaths(set: StackSet): StackSet {
  const stacks = new Map([...set.stacks.keys()].map((stack) => [stack, 1]));
  return { stacks, paths: stacks.size, complete: set.complete };
}

function allows(element: GbnfElement, code: number): boolean {
  if (element.kind !== "characters") return false;
  return element.ranges.some(([low, high]) => low <= code && code <= high) !== element.negated;
}

/** Characters that tell the elements at the tops apart: one of each range, one outside. */
export function tellingCharacters(set: StackSet): readonly number[] {
  const characters = new Set<number>();
  for (const { position } of set.stacks.keys()) {
    const { element } = position;
    if (element.kind !== "characters") continue;
    if (element.negated || element.ranges.length === 0) characters.add(outside(element.ranges));
    for (const [low, high] of element.ranges) {
      if (!element.negated) characters.add(low).add(high);
      else characters.add(high + 1);
    }
  }
  return [...characters];
}

function outside(ranges: readonly (readonly [number, number])[]): number {
  for (const candidate of [0x61, 0x20, 0x30, 0x4e00]) {
    if (ranges.every(([low, high]) => candidate < low || candidate > high)) return candidate;
  }
  return 0x1f600;
}
