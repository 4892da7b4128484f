// Block transfers by the kernel library, on a worker thread: reads arrive layer by layer. Orders are
// written as the structs of native/transfer.h, which must change with this file.

import { getSystemErrorName } from "node:util";
import koffi from "koffi";
import { callAsync } from "../bind.ts";
import type { KernelFunctions } from "../kernel/kernel-functions.ts";
import type { Pointer } from "../pointer.ts";
import type {
  BlockTransfer,
  HostMove,
  MoveResult,
  ReadOptions,
  TransferLayout,
  WriteOptions,
} from "./block-transfer.ts";
import type { RestoreGates } from "./restore-gates.ts";

const blockFields = 8;
const resultField = 7;
const noFile = -1n;
const noPointer = 0n;

const results: Readonly<Record<string, MoveResult>> = {
  "0": "moved",
  "-1": "ended",
  "-2": "torn",
  "-3": "foreign",
  "-4": "corrupt",
};

export type TransferFunctions = Pick<
  KernelFunctions,
  "transferRead" | "transferWrite" | "checkHeaders"
>;

/** For tests that must overtake a restore: a pause after each layer. */
export interface NativeTransferOptions {
  readonly layerDelayMs?: number;
}

export class NativeTransfer implements BlockTransfer<Pointer> {
  readonly name = "native";
  readonly #functions: TransferFunctions;
  readonly #gates: RestoreGates;
  readonly #layerDelayMs: number;

  constructor(
    functions: TransferFunctions,
    gates: RestoreGates,
    options: NativeTransferOptions = {},
  ) {
    this.#functions = functions;
    this.#gates = gates;
    this.#layerDelayMs = options.layerDelayMs ?? 0;
  }

  async read(
    layout: TransferLayout,
    moves: readonly HostMove[],
    { gate }: ReadOptions,
  ): Promise<MoveResult[]> {
    const blocks = encodeBlocks(moves);
    const order = encodeOrder(layout, blocks, {
      gates: gate === null ? noPointer : this.#gates.address,
      gate: gate ?? 0,
      layerDelayMs: this.#layerDelayMs,
    });
    await callAsync(this.#functions.transferRead, order);
    return decodeResults(blocks, [moves, order]);
  }

  async write(
    layout: TransferLayout,
    moves: readonly HostMove[],
    { syncs }: WriteOptions,
  ): Promise<MoveResult[]> {
    const made: MoveResult[] = [];
    // Blocks whose checksums are known are told apart by the order, not by the block.
    for (const move of moves) {
      const { place } = move;
      const isKnown = place.kind === "file" && place.checksumsKnown !== null;
      const sums =
        place.kind === "memory"
          ? place.checksums
          : (place.checksumsKnown ?? new Uint8Array(layout.layers * 8));
      const blocks = encodeBlocks([move], sums);
      const order = encodeOrder(layout, blocks, { isKnown, syncs });
      await callAsync(this.#functions.transferWrite, order);
      made.push(...decodeResults(blocks, [move, sums, order]));
    }
    return made;
  }

  checkHeaders(headers: Uint8Array, headerBytes: number): Uint8Array {
    const valid = new Uint8Array(headers.length / headerBytes);
    this.#functions.checkHeaders(headers, headerBytes, valid.length, valid);
    return valid;
  }

  [Symbol.dispose](): void {
    // It holds nothing.
  }
}

function encodeBlocks(moves: readonly HostMove[], sums: Uint8Array | null = null): BigInt64Array {
  const fields = new BigInt64Array(moves.length * blockFields);
  for (const [index, { memory, place }] of moves.entries()) {
    const at =
      place.kind === "memory"
        ? [memory, noFile, place.address, noPointer, noPointer, noPointer]
        : [
            memory,
            BigInt(place.file),
            BigInt(place.payloadOffset),
            BigInt(place.headerOffset),
            addressOf(place.header),
            addressOf(place.headerFound),
          ];
    const checksums = sums ?? (place.kind === "memory" ? place.checksums : null);
    const checksumsAt = checksums === null ? noPointer : addressOf(checksums);
    fields.set([...at, checksumsAt, 0n], index * blockFields);
  }
  return fields;
}

function encodeOrder(
  layout: TransferLayout,
  blocks: BigInt64Array,
  options: {
    readonly gates?: Pointer;
    readonly gate?: number;
    readonly isKnown?: boolean;
    readonly syncs?: boolean;
    readonly layerDelayMs?: number;
  },
): BigInt64Array {
  const { layers, layerBytes, identityBytes, headerBytes } = layout;
  const { gates = noPointer, gate = 0, isKnown = false, syncs = false, layerDelayMs = 0 } = options;
  const count = blocks.length / blockFields;
  return new BigInt64Array([
    addressOf(blocks),
    ...[count, layers, layerBytes, identityBytes, headerBytes].map(BigInt),
    gates,
    ...[gate, isKnown ? 1 : 0, syncs ? 1 : 0, Math.round(layerDelayMs * 1000)].map(BigInt),
  ]);
}

/** `kept` is what the native side knew by plain addresses: naming it here keeps it until it is done. */
function decodeResults(blocks: BigInt64Array, kept: readonly unknown[]): MoveResult[] {
  const made: MoveResult[] = [];
  for (let at = resultField; at < blocks.length; at += blockFields) {
    const result = Number(blocks[at]);
    made.push(results[result] ?? (getSystemErrorName(-result) as `E${string}`));
  }
  void kept;
  return made;
}

function addressOf(bytes: Uint8Array | BigInt64Array): Pointer {
  return koffi.address(bytes);
}
