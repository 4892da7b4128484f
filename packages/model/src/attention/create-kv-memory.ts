// Chooses how to keep and attend to keys and values: our kernel where it was built, else ggml's
// operators.

import { LociError } from "@loci/core";
import { type Device, loadKernelLibrary } from "@loci/ggml";
import type { KvMemory, KvMemoryOptions } from "./attention.ts";
import { DeviceKvRows } from "./device-kv-rows.ts";
import { HostKvRows } from "./host-kv-rows.ts";
import { type KvShape, rowSizes } from "./kv-rows.ts";
import { NativeKvMemory, nativeLayout } from "./native-kv-memory.ts";
import { PortableKvMemory } from "./portable-kv-memory.ts";

export type AttentionChoice = "native" | "portable" | "auto";

/**
 * LociError native_library_missing when `native` is asked for and the kernel is not there,
 * config_invalid when the device cannot run it.
 */
export function createKvMemory(
  choice: AttentionChoice,
  options: KvMemoryOptions,
  device: Device,
): KvMemory {
  if (!device.isHost) {
    if (choice === "native") throw notOnDevice(device);
    return new PortableKvMemory(options, new DeviceKvRows(options, device));
  }
  const kernel = choice === "portable" ? null : loadKernelLibrary();
  if (kernel !== null) return new NativeKvMemory(kernel, options);
  if (choice === "native") {
    throw new LociError("native_library_missing", "The attention kernel was not built.", {
      remedy: "Install a C++ compiler and run npm ci, or use --attention portable.",
    });
  }
  return new PortableKvMemory(options, new HostKvRows(options));
}

/** Bytes of one block over all layers, as `createKvMemory` would lay it out. */
export function kvBlockBytes(choice: AttentionChoice, shape: KvShape, device: Device): number {
  const native = device.isHost && choice !== "portable" && loadKernelLibrary() !== null;
  return native ? nativeLayout(shape).blockBytes : rowSizes(shape).blockBytes;
}

function notOnDevice({ name }: Device): LociError {
  return new LociError("config_invalid", `The native attention cannot run on ${name}.`, {
    remedy: "Leave --attention at auto, or use --device cpu.",
  });
}
