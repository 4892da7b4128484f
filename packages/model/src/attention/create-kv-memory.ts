// Chooses how to keep and attend to keys and values: our kernel where it was built, else ggml's
// operators.

import { LociError } from "@loci/core";
import { loadKernelLibrary } from "@loci/ggml";
import type { KvMemory, KvMemoryOptions } from "./attention.ts";
import { NativeKvMemory, nativeLayout } from "./native-kv-memory.ts";
import { PortableKvMemory, portableBlockBytes } from "./portable-kv-memory.ts";

export type AttentionChoice = "native" | "portable" | "auto";

/** LociError native_library_missing when `native` is asked for and the kernel is not there. */
export function createKvMemory(choice: AttentionChoice, options: KvMemoryOptions): KvMemory {
  const kernel = choice === "portable" ? null : loadKernelLibrary();
  if (kernel !== null) return new NativeKvMemory(kernel, options);
  if (choice === "native") {
    throw new LociError("native_library_missing", "The attention kernel was not built.", {
      remedy: "Install a C++ compiler and run npm ci, or use --attention portable.",
    });
  }
  return new PortableKvMemory(options);
}

/** Bytes of one block over all layers, as `createKvMemory` would lay it out. */
export function kvBlockBytes(
  choice: AttentionChoice,
  shape: Pick<KvMemoryOptions, "layers" | "kvHeads" | "headSize" | "blockTokens" | "cacheType">,
): number {
  const native = choice !== "portable" && loadKernelLibrary() !== null;
  return native ? nativeLayout(shape).blockBytes : portableBlockBytes(shape);
}
