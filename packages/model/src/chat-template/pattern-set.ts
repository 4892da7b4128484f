// Many strings searched in one pass (Aho and Corasick, 1975): a trie whose nodes know where to go
// on when the next unit does not fit. Time is linear in the text, whatever the number of patterns.
import { assert, defined } from "@loci/core";

interface Node {
  readonly next: Map<number, Node>;
  /** The longest proper suffix of this node's text that is a node too; null for the root. */
  fallback: Node | null;
  /** Length of the text that leads here, in UTF-16 units. */
  readonly depth: number;
  /** Length of the shortest pattern that ends here, 0 if none does. */
  endsLength: number;
}

export interface ScanEnd {
  /** Length of the longest pattern front that the text ends with. */
  readonly depth: number;
}

export class PatternSet {
  readonly #root: Node = newNode(0);
  /** Finds a unit that some pattern starts with; most of a text is skipped at its speed. */
  readonly #first: RegExp;
  readonly patternLengthMax: number;

  constructor(patterns: readonly string[]) {
    let longest = 0;
    for (const pattern of patterns) {
      if (pattern === "") continue;
      longest = Math.max(longest, pattern.length);
      this.#insert(pattern);
    }
    this.patternLengthMax = longest;
    this.#link();
    this.#first = new RegExp(`[${[...this.#root.next.keys()].map(escapedUnit).join("")}]`, "g");
  }

  get isEmpty(): boolean {
    return this.#root.next.size === 0;
  }

  /** Calls `found` for each end offset of an occurrence, with the shortest one's length. */
  scan(text: string, found: (end: number, length: number) => void): ScanEnd {
    let node = this.#root;
    for (let index = 0; index < text.length; index++) {
      if (node === this.#root) {
        this.#first.lastIndex = index;
        if (!this.#first.test(text)) break;
        index = this.#first.lastIndex - 1;
      }
      node = this.#step(node, text.charCodeAt(index));
      if (node.endsLength > 0) found(index + 1, node.endsLength);
    }
    return { depth: node.depth };
  }

  #step(from: Node, unit: number): Node {
    for (let node: Node | null = from; node !== null; node = node.fallback) {
      const next = node.next.get(unit);
      if (next !== undefined) return next;
    }
    return this.#root;
  }

  #insert(pattern: string): void {
    let node = this.#root;
    for (let index = 0; index < pattern.length; index++) {
      const unit = pattern.charCodeAt(index);
      let next = node.next.get(unit);
      if (next === undefined) {
        next = newNode(node.depth + 1);
        node.next.set(unit, next);
      }
      node = next;
    }
    node.endsLength = pattern.length;
  }

  /** Breadth first, so that a node's shorter suffixes are linked before it. */
  #link(): void {
    const queue: Node[] = [this.#root];
    for (const node of queue) {
      for (const [unit, child] of node.next) {
        child.fallback =
          node.fallback === null ? this.#root : this.#step(defined(node.fallback), unit);
        assert(child.fallback.depth < child.depth, "fallback is shorter");
        const shorter = child.fallback.endsLength;
        if (shorter > 0) child.endsLength = shorter;
        queue.push(child);
      }
    }
  }
}

function newNode(depth: number): Node {
  return { next: new Map(), fallback: null, depth, endsLength: 0 };
}

/** A UTF-16 unit for a regular expression's class. */
function escapedUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
