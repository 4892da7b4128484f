// The blocks of a HashRunner, and of the host tier of its mover, as bytes: token ids, then the hashes of
// their contexts.

import { assert } from "@loci/core";
import type { BlockContents, BlockSource } from "../tiers/block-contents.ts";
import type { HashMover } from "./hash-mover.ts";
import type { HashRunner } from "./hash-runner.ts";

export class HashContents implements BlockContents {
  readonly blockBytes: number;
  /** Called before each copy; the copy is made once the promise resolves. */
  before: () => Promise<void> = () => Promise.resolve();
  readonly readsHost: boolean;
  readonly #runner: HashRunner;
  readonly #mover: HashMover | null;

  constructor(runner: HashRunner, mover: HashMover | null = null) {
    this.#runner = runner;
    this.#mover = mover;
    this.readsHost = mover !== null;
    this.blockBytes = 8 * runner.limits.blockTokens;
  }

  async read(source: BlockSource): Promise<Uint8Array | null> {
    await this.before();
    const contents =
      source.tier === "device"
        ? this.#runner.readBlock(source.block)
        : (this.#mover?.readHost(source.slot, source.identity) ?? null);
    if (contents === null) return null;
    const { tokens, contexts } = contents;
    const words = new Int32Array(this.blockBytes / 4);
    words.set(tokens);
    words.set(contexts, tokens.length);
    return new Uint8Array(words.buffer);
  }

  async write(block: number, bytes: Uint8Array): Promise<void> {
    assert(bytes.length === this.blockBytes, "a whole block is written");
    const words = new Int32Array(bytes.slice().buffer);
    const { blockTokens } = this.#runner.limits;
    const contexts = words.subarray(blockTokens);
    // A copy that is under way has changed the first half only.
    this.#runner.writeBlock(block, {
      tokens: words.subarray(0, blockTokens),
      contexts: new Int32Array(blockTokens),
    });
    await this.before();
    this.#runner.writeBlock(block, { tokens: words.subarray(0, blockTokens), contexts });
  }
}
