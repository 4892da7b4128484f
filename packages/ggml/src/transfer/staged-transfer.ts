// Block transfers of a pool that is not in the process's memory: each block goes through a piece of
// memory that the device copies from and to fastest. Checked there, before the device sees it.

import { assert } from "@loci/core";
import type { NativeMemory } from "../native-memory.ts";
import type { Pointer } from "../pointer.ts";
import type {
  BlockMove,
  BlockTransfer,
  MoveResult,
  ReadOptions,
  TransferLayout,
  WriteOptions,
} from "./block-transfer.ts";
import type { RestoreGates } from "./restore-gates.ts";

/** Copies at the same time: two restores and one order down to each of two tiers, with some to spare. */
const piecesMax = 8;

export class StagedTransfer implements BlockTransfer {
  readonly #inner: BlockTransfer<Pointer>;
  readonly #gates: RestoreGates;
  readonly #allocate: (bytes: number) => NativeMemory;
  readonly #idle: NativeMemory[] = [];
  #piecesMade = 0;

  constructor(
    inner: BlockTransfer<Pointer>,
    gates: RestoreGates,
    allocate: (bytes: number) => NativeMemory,
  ) {
    this.#inner = inner;
    this.#gates = gates;
    this.#allocate = allocate;
  }

  get name(): "native" | "portable" {
    return this.#inner.name;
  }

  /** A block is on the device with all its layers or not at all, so a gate opens at the end. */
  async read(
    layout: TransferLayout,
    moves: readonly BlockMove[],
    { gate }: ReadOptions,
  ): Promise<MoveResult[]> {
    const results: MoveResult[] = [];
    for (const move of moves) {
      const result = await this.#readBlock(layout, move);
      if (result !== "moved" && gate !== null) this.#gates.fail(gate);
      this.#gates.beat();
      results.push(result);
    }
    if (gate !== null) this.#gates.advance(gate, layout.layers);
    return results;
  }

  async write(
    layout: TransferLayout,
    moves: readonly BlockMove[],
    options: WriteOptions,
  ): Promise<MoveResult[]> {
    const results: MoveResult[] = [];
    for (const move of moves) results.push(await this.#writeBlock(layout, move, options));
    return results;
  }

  checkHeaders(headers: Uint8Array, headerBytes: number): Uint8Array {
    return this.#inner.checkHeaders(headers, headerBytes);
  }

  [Symbol.dispose](): void {
    assert(this.#idle.length === this.#piecesMade, "no copy is under way");
    for (const piece of this.#idle.splice(0)) piece[Symbol.dispose]();
    this.#piecesMade = 0;
  }

  #readBlock(layout: TransferLayout, { memory, place }: BlockMove): Promise<MoveResult> {
    return this.#withPiece(layout, memory, async (address) => {
      const result = await only(
        this.#inner.read(layout, [{ memory: address, place }], { gate: null }),
      );
      if (result === "moved" && typeof memory !== "bigint") await memory.write(address);
      return result;
    });
  }

  #writeBlock(
    layout: TransferLayout,
    { memory, place }: BlockMove,
    options: WriteOptions,
  ): Promise<MoveResult> {
    return this.#withPiece(layout, memory, async (address) => {
      if (typeof memory !== "bigint") await memory.read(address);
      return only(this.#inner.write(layout, [{ memory: address, place }], options));
    });
  }

  /** Memory of the process needs no piece: it is its own. */
  async #withPiece(
    layout: TransferLayout,
    memory: BlockMove["memory"],
    move: (address: Pointer) => Promise<MoveResult>,
  ): Promise<MoveResult> {
    if (typeof memory === "bigint") return move(memory);
    const piece = this.#idle.pop() ?? this.#newPiece(layout);
    try {
      return await move(piece.address);
    } finally {
      this.#idle.push(piece);
    }
  }

  #newPiece({ layers, layerBytes }: TransferLayout): NativeMemory {
    assert(this.#piecesMade < piecesMax, "few copies at the same time");
    const piece = this.#allocate(layers * layerBytes);
    this.#piecesMade++;
    return piece;
  }
}

async function only(results: Promise<MoveResult[]>): Promise<MoveResult> {
  const [result] = await results;
  assert(result !== undefined, "one result for one block");
  return result;
}
