// Which node of the forest a name belongs to, in flat arrays: a map of objects would take longer than
// everything else that is done for a prompt.

import { assert, defined, type BlockName } from "@loci/core";
import { BlockTable } from "../directory/block-table.ts";
import { isName } from "../directory/name-walk.ts";
import type { Node } from "./forest-node.ts";

/** Of an entry's words: the node's number. */
const nodeWord = 2;

export class NodeNames {
  readonly #table: BlockTable;
  /** By number; null where it is free. Number 0 is nobody's. */
  readonly #nodes: (Node | null)[] = [null];
  readonly #free: number[] = [];

  /** At most so many different names. */
  constructor(namesMax: number) {
    this.#table = new BlockTable(namesMax, 0);
  }

  get(name: BlockName): Node | null {
    const entry = this.#find(Float64Array.of(name), 0, 0);
    return entry === 0 ? null : this.#nodeAt(entry);
  }

  /** The names are the node's from now on, whoever's they were. */
  give(names: Float64Array, node: Node): void {
    const number = this.#numberOf(node);
    let entry = 0;
    for (let index = 0; index < names.length; index++) {
      if (!isName(names[index] ?? 0)) continue;
      entry = this.#find(names, index, entry);
      if (entry === 0) entry = this.#table.enter(names, index, this.#table.hashAt(names, index));
      assert(entry !== 0, "the forest makes room first");
      this.#table.words[4 * entry + nodeWord] = number;
    }
  }

  /** A node is gone, with those of its names that are its own. */
  forget(node: Node): void {
    let entry = 0;
    for (let index = 0; index < node.names.length; index++) {
      entry = this.#find(node.names, index, entry);
      if (entry === 0 || this.#nodeAt(entry) !== node) continue;
      this.#table.remove(entry);
    }
    this.forgetEmptied(node);
  }

  /** A node whose names were all given to another is gone. */
  forgetEmptied(node: Node): void {
    if (node.number === 0) return;
    this.#nodes[node.number] = null;
    this.#free.push(node.number);
    node.number = 0;
  }

  checkIntegrity(): void {
    this.#table.checkIntegrity();
    for (let entry = 1; entry < this.#table.end; entry++) {
      if (!this.#table.isUsed(entry)) continue;
      const node = defined(this.#nodeAt(entry), "a name leads to a node");
      const name = this.#table.names[2 * entry] ?? 0;
      assert(!node.isGone && node.names.includes(name), "a name leads to who has it");
    }
    for (const [number, node] of this.#nodes.entries()) {
      assert((node?.number ?? number) === number, "a node has its number");
    }
    const free = this.#nodes.filter((node) => node === null).length;
    assert(free === this.#free.length + 1, "numbers are used or free");
  }

  #find(names: Float64Array, index: number, before: number): number {
    const name = names[index] ?? 0;
    if (!isName(name)) return 0;
    if (this.#table.names[2 * before + 2] === name) return before + 1;
    return this.#table.find(names, index, this.#table.hashAt(names, index));
  }

  #nodeAt(entry: number): Node | null {
    return this.#nodes[this.#table.words[4 * entry + nodeWord] ?? 0] ?? null;
  }

  #numberOf(node: Node): number {
    if (node.number === 0) {
      node.number = this.#free.pop() ?? this.#nodes.length;
      this.#nodes[node.number] = node;
    }
    return node.number;
  }
}
