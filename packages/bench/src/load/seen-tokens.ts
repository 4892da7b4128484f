// The ideal of prefix caching, counted exactly from token ids: of every prompt, how many tokens
// lie beyond the longest prefix that any earlier prompt or answer began with. A server that
// remembers everything computes these and (about) nothing else.

/** A trie over token ids. */
interface TrieNode {
  readonly next: Map<number, TrieNode>;
}

export class SeenTokens {
  readonly #root: TrieNode = { next: new Map() };
  #tokens = 0;

  /** Tokens remembered. */
  get size(): number {
    return this.#tokens;
  }

  /** Remembers a sequence and returns how many of its tokens were not known before. */
  observe(tokens: readonly number[]): number {
    let node = this.#root;
    let unseen = 0;
    for (const token of tokens) {
      let child = node.next.get(token);
      if (child === undefined) {
        child = { next: new Map() };
        node.next.set(token, child);
        unseen++;
      }
      node = child;
    }
    this.#tokens += unseen;
    return unseen;
  }
}
