// The C functions of the kernel library, bound by prototype.

import type { Prototypes } from "../bind.ts";
import type { Pointer } from "../pointer.ts";

export interface KernelFunctions extends Record<string, (...args: never[]) => unknown> {
  isa: (name: string | null) => string | null;
  tensorLayout: (layout: Int32Array) => void;
  takeFailure: () => string | null;
  workspaceCreate: (
    ...sizes: [threads: number, headSize: number, kvHeads: number, tiles: number, slotRows: number]
  ) => Pointer | null;
  workspaceFree: (workspace: Pointer) => void;
  layerCreate: (options: ArrayBufferView, isa: string | null) => Pointer | null;
  layerFree: (layer: Pointer) => void;
  partBytes: (
    headSize: number,
    blockTokens: number,
    types: BigInt64Array,
    bytes: BigInt64Array,
  ) => void;
  blockCopy: (
    pool: Pointer,
    layout: BigInt64Array,
    ...copy: [source: number, target: number, tokens: number]
  ) => boolean;
  memoryAllocate: (bytes: number) => Pointer | null;
  memoryFree: (address: Pointer, bytes: number) => void;
  runThreads: (
    operation: Pointer,
    dst: ArrayBufferView | Pointer,
    threads: number,
    userData: Pointer,
  ) => boolean;
  probeFlop: (layer: Pointer) => number;
  guardMapping: (address: Pointer, bytes: number) => boolean;
  guardClear: (address: Pointer) => void;
  guardTripped: () => number;
  transferRead: (order: ArrayBufferView) => number;
  transferWrite: (order: ArrayBufferView) => number;
  checkHeaders: (
    ...table: [headers: Uint8Array, headerBytes: number, count: number, valid: Uint8Array]
  ) => void;
  fileAllocate: (file: number, bytes: number) => number;
  fileForget: (file: number) => number;
}

export const kernelPrototypes: Prototypes<KernelFunctions> = {
  isa: "const char * loci_isa(const char * name)",
  tensorLayout: "void loci_tensor_layout(_Out_ int32_t * layout)",
  takeFailure: "const char * loci_take_failure()",
  workspaceCreate:
    "void * loci_workspace_create(int64_t threads, int64_t headSize, int64_t kvHeads, int64_t tiles, int64_t slotRows)",
  workspaceFree: "void loci_workspace_free(void * workspace)",
  layerCreate: "void * loci_layer_create(const void * options, const char * isa)",
  layerFree: "void loci_layer_free(void * layer)",
  partBytes:
    "void loci_part_bytes(int64_t headSize, int64_t blockTokens, const int64_t * types, _Out_ int64_t * bytes)",
  blockCopy:
    "bool loci_block_copy(void * pool, const int64_t * layout, int64_t source, int64_t target, int64_t tokens)",
  memoryAllocate: "void * loci_memory_allocate(int64_t bytes)",
  memoryFree: "void loci_memory_free(void * address, int64_t bytes)",
  runThreads: "bool loci_run_threads(void * operation, void * dst, int threads, void * userdata)",
  probeFlop: "double loci_probe_flop(const void * layer)",
  guardMapping: "bool loci_guard_mapping(void * address, int64_t bytes)",
  guardClear: "void loci_guard_clear(void * address)",
  guardTripped: "int loci_guard_tripped()",
  transferRead: "int64_t loci_transfer_read(const void * order)",
  transferWrite: "int64_t loci_transfer_write(const void * order)",
  checkHeaders:
    "void loci_check_headers(const void * headers, int64_t headerBytes, int64_t count, void * valid)",
  fileAllocate: "int loci_file_allocate(int64_t file, int64_t bytes)",
  fileForget: "int loci_file_forget(int64_t file)",
};
