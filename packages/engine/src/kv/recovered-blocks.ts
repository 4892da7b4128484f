// Blocks that a durable tier kept over a restart, and whose place in the tree is not known yet: the
// tree knows tokens, and the tokens before a block may be gone. A block finds its place when a
// request arrives whose tokens hash to its key.

import { assert, defined } from "@loci/core";
import type { BlockIdentity } from "../tiers/block-mover.ts";
import type { CachedBlock } from "./cached-block.ts";

export class RecoveredBlocks {
  readonly #blockTokens: number;
  readonly #full = new Map<string, CachedBlock>();
  /** Partly filled last blocks by the key of the block before them. */
  readonly #tails = new Map<string, CachedBlock[]>();
  #size = 0;

  constructor(blockTokens: number) {
    this.#blockTokens = blockTokens;
  }

  get size(): number {
    return this.#size;
  }

  /** False when an equal block is there already. */
  add(copy: CachedBlock): boolean {
    const { key, parentKey, tokens } = defined(copy.recovered);
    if (tokens.length === this.#blockTokens) {
      if (this.#full.has(key)) return false;
      this.#full.set(key, copy);
    } else {
      const tails = this.#tails.get(parentKey) ?? [];
      if (tails.some((tail) => tail.recovered?.key === key)) return false;
      tails.push(copy);
      this.#tails.set(parentKey, tails);
    }
    this.#size++;
    return true;
  }

  all(): readonly CachedBlock[] {
    return [...this.#full.values(), ...[...this.#tails.values()].flat()];
  }

  full(key: string): CachedBlock | null {
    return this.#full.get(key) ?? null;
  }

  tails(parentKey: string): readonly CachedBlock[] {
    return this.#tails.get(parentKey) ?? [];
  }

  /** The block that holds the very same; null when there is none. */
  find({ key, parentKey, tenantKey, tokens }: BlockIdentity): CachedBlock | null {
    const candidates =
      tokens.length === this.#blockTokens ? [this.full(key)] : this.tails(parentKey);
    const isSame = (recovered: BlockIdentity | undefined | null): boolean =>
      recovered?.key === key &&
      recovered.tenantKey === tenantKey &&
      recovered.tokens.length === tokens.length &&
      recovered.tokens.every((token, index) => token === tokens[index]);
    return candidates.find((copy) => isSame(copy?.recovered)) ?? null;
  }

  /** The block found its place, or its last copy is gone. */
  remove(copy: CachedBlock): void {
    const { key, parentKey, tokens } = defined(copy.recovered);
    if (tokens.length === this.#blockTokens) {
      assert(this.#full.delete(key), "a recovered block is removed once");
    } else {
      const rest = this.tails(parentKey).filter((tail) => tail !== copy);
      if (rest.length === 0) this.#tails.delete(parentKey);
      else this.#tails.set(parentKey, rest);
    }
    this.#size--;
    copy.recovered = null;
  }
}
