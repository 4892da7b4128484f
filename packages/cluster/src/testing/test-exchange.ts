// An exchange of blocks for tests: what a block holds says which tokens it is for.

import { assert, defined } from "@loci/core";
import type { BlockExchange } from "@loci/core";
import { testBlockTokens } from "./token-service.ts";

export const testBlockBytes: number = 64 * 1024;

export interface TakenBlock {
  readonly index: number;
  readonly firstByte: number;
}

/** A cache of blocks whose contents say which tokens they are for. */
export class TestExchange implements BlockExchange {
  readonly blockBytes: number = testBlockBytes;
  readonly imported: TakenBlock[] = [];
  exportedMax: number = Number.MAX_SAFE_INTEGER;

  async *exportBlocks(
    _tenant: string,
    tokens: Int32Array,
    range: { readonly blockStart: number; readonly blockEnd: number },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const contents = new Uint8Array(testBlockBytes);
    const end = Math.min(range.blockEnd, this.exportedMax);
    for (let index = range.blockStart; index < end; index++) {
      // One buffer for all, as a mover may do it.
      contents.fill(defined(tokens[index * testBlockTokens]) % 256);
      yield contents;
      await Promise.resolve();
    }
  }

  async importBlocks(
    _tenant: string,
    _tokens: Int32Array,
    blockStart: number,
    contents: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    const taken: TakenBlock[] = [];
    for await (const block of contents) {
      assert(new Set(block).size === 1, "a block is whole");
      taken.push({ index: blockStart + taken.length, firstByte: defined(block[0]) });
    }
    this.imported.push(...taken);
    return taken.length;
  }
}
