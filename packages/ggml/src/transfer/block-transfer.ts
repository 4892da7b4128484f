// Moving blocks between native memory and other memory or files, with a checksum for every layer of
// every block. One interface, two ways that leave identical bytes: the kernel library's, on a thread
// of its own and pipelined by layer, and plain Node where that library is not built.
//
//   block   [layer][layerBytes]
//   header  [identity | checksum of each layer | zeros | checksum of all before it]
//
// A write puts the payload first and the header last; a read trusts nothing it has not checked.

import type { Pointer } from "../pointer.ts";
import type { BlockMemory } from "./kv-pool.ts";

/** XXH64 of the bytes, little endian. */
export const checksumBytes = 8;

export interface TransferLayout {
  readonly layers: number;
  readonly layerBytes: number;
  /** The part of a header that must be as expected. */
  readonly identityBytes: number;
  readonly headerBytes: number;
}

/** The other end is memory; checksums are kept apart from it. */
export interface MemoryPlace {
  readonly kind: "memory";
  readonly address: Pointer;
  /** One for each layer: read and compared by a read, written by a write. */
  readonly checksums: Uint8Array;
}

/** The other end is a place in a file. */
export interface FilePlace {
  readonly kind: "file";
  /** File descriptor. */
  readonly file: number;
  readonly payloadOffset: number;
  readonly headerOffset: number;
  /** Headers of `headerBytes`: the identity that must be found, or is to be written. */
  readonly header: Uint8Array;
  /** A read leaves here what it found instead. */
  readonly headerFound: Uint8Array;
  /** A write compares with these where they are known, and stores nothing that differs. */
  readonly checksumsKnown: Uint8Array | null;
}

export interface BlockMove<M extends BlockMemory = BlockMemory> {
  /** The device's end, or host memory's when that is written to a file. */
  readonly memory: M;
  readonly place: MemoryPlace | FilePlace;
}

/** A move between memory of the process and a place. */
export type HostMove = BlockMove<Pointer>;

/**
 * What became of a block: `ended` = the file is too short; `torn` = its header is; `foreign` = a
 * header of another block; `corrupt` = a layer is not what it was; else the system's error name.
 */
export type MoveResult = "moved" | "ended" | "torn" | "foreign" | "corrupt" | `E${string}`;

export interface ReadOptions {
  /** Gate to publish arrived layers at; it was closed before. Opened in any case at the end. */
  readonly gate: number | null;
}

export interface WriteOptions {
  /** Each step of a block is on the device before the next. */
  readonly syncs: boolean;
}

/** `M`: where the blocks' own end may be. To be disposed when nothing moves any more. */
export interface BlockTransfer<M extends BlockMemory = BlockMemory> extends Disposable {
  readonly name: "native" | "portable";
  /** From places to memory, layer by layer over all blocks where it can. One result per block. */
  read(
    layout: TransferLayout,
    moves: readonly BlockMove<M>[],
    options: ReadOptions,
  ): Promise<MoveResult[]>;
  /** From memory to places, block by block. The memory must not change meanwhile. */
  write(
    layout: TransferLayout,
    moves: readonly BlockMove<M>[],
    options: WriteOptions,
  ): Promise<MoveResult[]>;
  /** For each header side by side in `headers`: 1 when its checksum is right, else 0. */
  checkHeaders(headers: Uint8Array, headerBytes: number): Uint8Array;
}
