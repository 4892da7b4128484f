// The bytes of blocks on the device and in host memory, for whoever carries them between workers. What
// comes from host memory is checked like what is restored from there.

import type { BlockContents, BlockSource } from "@loci/engine";
import { NativeMemory } from "@loci/ggml";
import type { MemoryTier } from "./memory-tier.ts";

export class ExchangeContents implements BlockContents {
  readonly readsHost = true;
  readonly #device: BlockContents;
  readonly #host: MemoryTier;

  constructor(device: BlockContents, host: MemoryTier) {
    this.#device = device;
    this.#host = host;
  }

  get blockBytes(): number {
    return this.#device.blockBytes;
  }

  async read(source: BlockSource): Promise<Uint8Array | null> {
    if (source.tier === "device") return this.#device.read(source);
    const { slot, identity } = source;
    using copy = new NativeMemory(this.blockBytes);
    const [result] = await this.#host.read([{ slot, identity, target: copy.address }], null);
    return result === "moved" ? new Uint8Array(copy.bytes.slice(0, this.blockBytes)) : null;
  }

  write(block: number, bytes: Uint8Array): Promise<void> {
    return this.#device.write(block, bytes);
  }
}
