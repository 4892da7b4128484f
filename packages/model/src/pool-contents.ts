// The bytes of the pool's blocks as whoever carries them between workers wants them: copies, made one
// block at a time, with the event loop turning in between.

import { assert } from "@loci/core";
import type { BlockContents, BlockSource } from "@loci/engine";
import { type KvPool, memoryView } from "@loci/ggml";
import { setImmediate } from "node:timers/promises";

export class PoolContents implements BlockContents {
  /** It knows of the device's pool only. */
  readonly readsHost = false;
  readonly #pool: KvPool;

  constructor(pool: KvPool) {
    this.#pool = pool;
  }

  get blockBytes(): number {
    return this.#pool.blockBytes;
  }

  async read(source: BlockSource): Promise<Uint8Array> {
    assert(source.tier === "device", "a block of the pool is asked for");
    await setImmediate();
    return new Uint8Array(this.#view(source.block));
  }

  async write(block: number, bytes: Uint8Array): Promise<void> {
    assert(bytes.length === this.blockBytes, "a whole block is written");
    await setImmediate();
    this.#view(block).set(bytes);
  }

  #view(block: number): Uint8Array {
    const { address, blockBytes, blockCount } = this.#pool;
    assert(Number.isInteger(block) && block >= 0 && block < blockCount, "a block of the pool");
    return memoryView(address + BigInt(block * blockBytes), blockBytes);
  }
}
