// Loads ggml once per process and checks that it is the release this package was written for.
// Libraries stay referenced for the life of the process: koffi unloads a collected library, and a
// function pointer taken from it would then crash inside ggml's threads.

import koffi, { type LibraryHandle } from "koffi";
import { LociError } from "@loci/core";
import { findBinaryPackage, ggmlVersion } from "./binary-package.ts";
import { bindFunctions } from "./bind.ts";
import {
  type GgmlBaseFunctions,
  type GgmlNodeFunctions,
  type GgmlRegistryFunctions,
  ggmlBasePrototypes,
  ggmlNodePrototypes,
  ggmlRegistryPrototypes,
} from "./ggml-functions.ts";
import type { Pointer } from "./pointer.ts";

/** sizeof(ggml_tensor) + sizeof(ggml_object) in the pinned release. */
const tensorOverheadBytes = 368;

export interface Ggml {
  readonly base: GgmlBaseFunctions;
  readonly node: GgmlNodeFunctions;
  readonly registry: GgmlRegistryFunctions;
  /** The CPU device. */
  readonly device: Pointer;
  readonly directory: string;
  /** A native function that ignores its arguments and does nothing: silences log callbacks. */
  readonly doNothing: Pointer;
}

let loaded: Ggml | null = null;
const librariesKept: LibraryHandle[] = [];

/** The process's ggml; LociError native_library_* when it is absent or another release. */
export function loadGgml(): Ggml {
  loaded ??= load();
  return loaded;
}

/** Opens a native library for the life of the process. */
export function openLibrary(path: string): LibraryHandle {
  try {
    const library = koffi.load(path, { global: true, lazy: true });
    librariesKept.push(library);
    return library;
  } catch (error) {
    throw new LociError("native_library_missing", "A native library cannot be loaded.", {
      remedy: "Run npm ci; loci doctor shows what is missing.",
      cause: error,
    });
  }
}

function load(): Ggml {
  const files = findBinaryPackage();
  const baseLibrary = openLibrary(files.ggmlBase);
  koffi.struct("ggml_init_params", { mem_size: "size_t", mem_buffer: "void *", no_alloc: "bool" });
  const base = bindFunctions<GgmlBaseFunctions>(baseLibrary, ggmlBasePrototypes);
  checkRelease(base);
  const doNothing = baseLibrary.symbol("ggml_version") as Pointer;
  base.logSet(doNothing, null);
  const node = bindFunctions<GgmlNodeFunctions>(baseLibrary, ggmlNodePrototypes);
  const registry = bindFunctions<GgmlRegistryFunctions>(
    openLibrary(files.ggml),
    ggmlRegistryPrototypes,
  );
  registry.loadAllFrom(files.directory);
  const device = registry.deviceByType(0);
  if (device === null) {
    throw new LociError("native_library_missing", "ggml found no CPU backend for this machine.");
  }
  return { base, node, registry, device, directory: files.directory, doNothing };
}

function checkRelease(base: GgmlBaseFunctions): void {
  const version = base.version();
  const overhead = base.tensorOverhead();
  if (version === ggmlVersion && overhead === tensorOverheadBytes) return;
  throw new LociError(
    "native_library_mismatch",
    `ggml is version ${version} with ${overhead} bytes a tensor; ` +
      `${ggmlVersion} with ${tensorOverheadBytes} is needed.`,
    { remedy: "Run npm ci." },
  );
}
