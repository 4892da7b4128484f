// The blocks of a HashRunner as bytes: token ids, then the hashes of their contexts.

import { assert } from "@loci/core";
import type { BlockContents } from "../tiers/block-contents.ts";
import type { HashRunner } from "./hash-runner.ts";

export class HashContents implements BlockContents {
  readonly blockBytes: number;
  /** Called before each copy; the copy is made once the promise resolves. */
  before: () => Promise<void> = () => Promise.resolve();
  readonly #runner: HashRunner;

  constructor(runner: HashRunner) {
    this.#runner = runner;
    this.blockBytes = 8 * runner.limits.blockTokens;
  }

  async read(block: number): Promise<Uint8Array> {
    await this.before();
    const { tokens, contexts } = this.#runner.readBlock(block);
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
