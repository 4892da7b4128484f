// The project's own kernel: paged multi-token attention as two ggml custom operators, in a plain
// shared library that `npm ci` builds with the machine's compiler. This file is the whole contract
// with it; where the library is absent, the caller takes the portable path.

import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getSystemErrorName } from "node:util";
import type { LibraryHandle } from "koffi";
import { LociError, assert, defined } from "@loci/core";
import { bindFunctions, callAsync } from "../bind.ts";
import { openLibrary } from "../load-ggml.ts";
import type { Pointer } from "../pointer.ts";
import { type KernelFunctions, kernelPrototypes } from "./kernel-functions.ts";
import { type KvBlockLayout, kvTypeNumbers } from "./kv-layout.ts";
import { NativeTransfer, type NativeTransferOptions } from "../transfer/native-transfer.ts";
import type { RestoreGates } from "../transfer/restore-gates.ts";
import type { PlanCapacity } from "./plan-layout.ts";

/** Best first; `baseline` runs everywhere. */
export const isaNames = ["avx512", "avx2", "neon", "baseline"] as const;
export type IsaName = (typeof isaNames)[number];

/** Working memory that a runner's layers use one after the other. */
export interface KernelWorkspace {
  readonly address: Pointer;
  readonly headSize: number;
  readonly kvHeads: number;
  free(): void;
}

/** A layer's parameters, as the operators' userdata. */
export interface KernelLayer {
  readonly address: Pointer;
  free(): void;
}

export interface WorkspaceOptions {
  /** ggml threads at most; further ones stand by. */
  readonly threads: number;
  /** The largest of any layer. */
  readonly headSize: number;
  readonly kvHeads: number;
  readonly capacity: PlanCapacity;
}

export interface LayerOptions {
  readonly workspace: KernelWorkspace;
  readonly layout: KvBlockLayout;
  /** Index of the layer within the layout. */
  readonly layer: number;
  readonly poolAddress: Pointer;
  /** `RestoreGates` of the runner; null = no step waits for a restore. */
  readonly gatesAddress?: Pointer;
  readonly blockCount: number;
  readonly queryHeads: number;
  /** Of the scores, usually 1 / sqrt(head size). */
  readonly scale: number;
  /** Scores become cap · tanh(score / cap); 0 = off. */
  readonly softCap: number;
  /** A token sees this many positions, its own included; 0 = all. */
  readonly slidingWindow: number;
}

/** Copies the first `tokens` tokens of block `source` to block `target`, in all layers. */
export interface KernelBlockCopy {
  readonly source: number;
  readonly target: number;
  readonly tokens: number;
}

/** Zeroed memory on huge pages where the system has them. */
export interface KernelMemory {
  readonly address: Pointer;
  readonly bytes: number;
  free(): void;
}

const tensorMirror = { size: 336, type: 0, ne: 16, nb: 48, src: 152, data: 248 };

let opened: { library: LibraryHandle; functions: KernelFunctions } | null = null;

/**
 * Null when the library was not built (no compiler), was built for another system than this one, or
 * `mode` is off.
 */
export function loadKernelLibrary(options: { mode?: "auto" | "off" } = {}): KernelLibrary | null {
  if (options.mode === "off") return null;
  if (opened === null) {
    const path = kernelLibraryPath();
    if (!existsSync(path)) return null;
    const library = tryOpen(path);
    if (library === null) return null;
    opened = { library, functions: bindFunctions<KernelFunctions>(library, kernelPrototypes) };
    checkMirror(opened.functions);
  }
  return new KernelLibrary(opened.library, opened.functions, null);
}

/** A published package brings it along: it may ask for a newer C library than there is. */
function tryOpen(path: string): LibraryHandle | null {
  try {
    return openLibrary(path);
  } catch (error) {
    if (error instanceof LociError && error.code === "native_library_missing") return null;
    throw error;
  }
}

function kernelLibraryPath(): string {
  const suffix = { darwin: "dylib", win32: "dll" }[process.platform as string] ?? "so";
  const folder = `../../native/build/${process.platform}-${process.arch}`;
  return fileURLToPath(new URL(`${folder}/libloci-kernel.${suffix}`, import.meta.url));
}

function checkMirror(functions: KernelFunctions): void {
  const layout = new Int32Array(6);
  functions.tensorLayout(layout);
  const expected = Object.values(tensorMirror);
  if (expected.every((value, index) => value === layout[index])) return;
  throw new LociError("native_library_mismatch", "The kernel was built for another ggml.", {
    remedy: "Run npm ci.",
  });
}

/** As the functions of `node:fs` throw them. */
function systemError(errorNumber: number): Error {
  const code = getSystemErrorName(-errorNumber);
  return Object.assign(new Error(`${code}: a native call failed`), { code });
}

export class KernelLibrary {
  /** The instruction set in use. */
  readonly isa: IsaName;
  /** Address of loci_kv_write, for `Graph.custom`: inputs keys, values, plan. */
  readonly kvWriteFunction: Pointer;
  /** Address of loci_paged_attention: inputs queries, the result of kv_write, plan. */
  readonly attentionFunction: Pointer;
  /** Address of loci_probe: every thread multiplies and adds at its peak rate. No inputs. */
  readonly probeFunction: Pointer;
  readonly #functions: KernelFunctions;
  readonly #library: LibraryHandle;
  readonly #isaForced: IsaName | null;

  constructor(library: LibraryHandle, functions: KernelFunctions, isa: IsaName | null) {
    this.#library = library;
    this.#functions = functions;
    this.#isaForced = isa;
    const name = functions.isa(isa);
    this.isa = defined(
      isaNames.find((known) => known === name),
      "the instruction set runs here",
    );
    this.kvWriteFunction = library.symbol("loci_kv_write");
    this.attentionFunction = library.symbol("loci_paged_attention");
    this.probeFunction = library.symbol("loci_probe");
  }

  /** The same library bound to one instruction set, for tests; null when it cannot run here. */
  loadOnly(isa: IsaName): KernelLibrary | null {
    if (this.#functions.isa(isa) === null) return null;
    return new KernelLibrary(this.#library, this.#functions, isa);
  }

  createWorkspace(options: WorkspaceOptions): KernelWorkspace {
    const { threads, headSize, kvHeads, capacity } = options;
    const address = this.#functions.workspaceCreate(
      threads,
      headSize,
      kvHeads,
      capacity.tiles,
      capacity.slotRows,
    );
    if (address === null) throw new LociError("out_of_memory", "No memory for attention.");
    return { address, headSize, kvHeads, free: () => this.#functions.workspaceFree(address) };
  }

  /** The workspace must outlive the layer. */
  createLayer(options: LayerOptions): KernelLayer {
    const { layout } = options;
    assert(options.layer >= 0 && options.layer < layout.layers, "the layer exists");
    const fields = new BigInt64Array([
      options.workspace.address,
      options.poolAddress,
      options.gatesAddress ?? 0n,
      ...[
        options.blockCount,
        layout.blockBytes,
        options.layer * layout.layerBytes,
        layout.blockTokens,
        layout.headSize,
        options.queryHeads,
        layout.kvHeads,
        kvTypeNumbers[layout.keyType],
        kvTypeNumbers[layout.valueType],
        options.slidingWindow,
        options.layer,
        0,
        0,
      ].map(BigInt),
    ]);
    new Float64Array(fields.buffer).set([options.scale, options.softCap], fields.length - 2);
    this.#checkLayout(layout);
    const address = this.#functions.layerCreate(fields, this.#isaForced);
    assert(address !== null, "the layer's options fit together");
    return { address, free: () => this.#functions.layerFree(address) };
  }

  /** Both sides compute the sizes of a block; they must agree. */
  #checkLayout(layout: KvBlockLayout): void {
    const types = [layout.keyType, layout.valueType].map((type) => BigInt(kvTypeNumbers[type]));
    const bytes = new BigInt64Array(2);
    const { headSize, blockTokens } = layout;
    this.#functions.partBytes(headSize, blockTokens, new BigInt64Array(types), bytes);
    assert(Number(bytes[0]) === layout.keyBytes, "key bytes agree with the native side");
    assert(Number(bytes[0]) + Number(bytes[1]) === layout.headBytes, "head bytes agree");
  }

  /** Copy-on-write of a partly shared block; whole blocks are one contiguous copy. */
  copyBlock(poolAddress: Pointer, layout: KvBlockLayout, copy: KernelBlockCopy): void {
    const { layers, kvHeads, headSize, blockTokens } = layout;
    const types = [kvTypeNumbers[layout.keyType], kvTypeNumbers[layout.valueType]];
    const fields = [layers, kvHeads, headSize, blockTokens, ...types].map(BigInt);
    const { source, target, tokens } = copy;
    const done = this.#functions.blockCopy(
      poolAddress,
      new BigInt64Array(fields),
      source,
      target,
      tokens,
    );
    assert(done, "the copied tokens lie within a block");
  }

  /** Floating-point operations of each thread in one run of the probe. */
  probeFlop(layer: KernelLayer): number {
    return this.#functions.probeFlop(layer.address);
  }

  allocate(bytes: number): KernelMemory {
    const address = this.#functions.memoryAllocate(bytes);
    if (address === null) throw new LociError("out_of_memory", `No ${bytes} bytes of memory.`);
    return { address, bytes, free: () => this.#functions.memoryFree(address, bytes) };
  }

  /** Moves blocks on a worker thread, pipelined by layer. Not on Windows. */
  createTransfer(gates: RestoreGates, options: NativeTransferOptions): NativeTransfer {
    return new NativeTransfer(this.#functions, gates, options);
  }

  /** Reserves space for the first `bytes` of an open file; false where that cannot be done. */
  async reserveFile(file: number, bytes: number): Promise<boolean> {
    const failure = await callAsync(this.#functions.fileAllocate, file, bytes);
    if (failure > 0) throw systemError(failure);
    return failure === 0;
  }

  /** Drops what the page cache holds of an open file; for benchmarks. */
  forgetFile(file: number): Promise<number> {
    return callAsync(this.#functions.fileForget, file);
  }

  /** What went wrong in an operator since the last call; its results were zeros. */
  lastError(): string | null {
    return this.#functions.takeFailure();
  }

  /**
   * From now on a page of [address, address + bytes) that cannot be read (the mapped file shrank)
   * reads as zeros and trips the guard, instead of ending the process. False when unsupported.
   */
  guardMapping(address: Pointer, bytes: number): boolean {
    return this.#functions.guardMapping(address, bytes);
  }

  clearGuard(address: Pointer): void {
    this.#functions.guardClear(address);
  }

  /** True once a guarded page could not be read. */
  guardTripped(): boolean {
    return this.#functions.guardTripped() !== 0;
  }

  /** Runs an operator on threads of its own, as ggml would; `dst` is a ggml tensor. */
  runThreads(operation: Pointer, dst: Pointer, threads: number, layer: KernelLayer): void {
    const started = this.#functions.runThreads(operation, dst, threads, layer.address);
    if (!started) throw new LociError("out_of_memory", "No threads.");
  }
}
