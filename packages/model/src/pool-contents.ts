// The bytes of the pool's blocks as whoever carries them between workers wants them: copies, made one
// block at a time, with the event loop turning in between.

import { assert } from "@loci/core";
import type { BlockContents, BlockSource } from "@loci/engine";
import { type KvPool, NativeMemory, memoryView } from "@loci/ggml";
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
    const block = this.#pool.blockAt(source.block);
    if (typeof block === "bigint") return new Uint8Array(memoryView(block, this.blockBytes));
    using piece = new NativeMemory(this.blockBytes);
    await block.read(piece.address);
    return new Uint8Array(memoryView(piece.address, this.blockBytes));
  }

  async write(block: number, bytes: Uint8Array): Promise<void> {
    assert(bytes.length === this.blockBytes, "a whole block is written");
    await setImmediate();
    const target = this.#pool.blockAt(block);
    if (typeof target === "bigint") {
      memoryView(target, this.blockBytes).set(bytes);
      return;
    }
    using piece = new NativeMemory(this.blockBytes);
    memoryView(piece.address, this.blockBytes).set(bytes);
    await target.write(piece.address);
  }
}
