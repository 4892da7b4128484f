// The moves under way: which order carries which blocks, through which gate, and what has to happen
// when it ends. Orders are handed to the mover once and stay here until their outcome comes back.

import { assert, defined } from "@loci/core";
import type { CachedBlock } from "../kv/cached-block.ts";
import type { MoveOrder } from "./block-mover.ts";
import { restoreGatesMax } from "./block-mover.ts";

export interface Move {
  readonly order: MoveOrder;
  /** The blocks it reads or writes, in the order's order. */
  readonly copies: readonly CachedBlock[];
  /** Restores: when it should have ended. */
  readonly expectedEndMs: number;
  /** Whom a restore is for; null: nobody in particular. */
  readonly requestId: string | null;
  /** Device blocks that nobody may use before the order ends, and that are free then. */
  readonly freeAfter: number[];
}

export class Moves {
  readonly #moves = new Map<number, Move>();
  readonly #gatesFree: number[];
  #orders: MoveOrder[] = [];
  #lastId = 0;
  #stores = 0;
  #restores = 0;

  constructor() {
    this.#gatesFree = Array.from({ length: restoreGatesMax }, (_, gate) => gate);
  }

  get count(): number {
    return this.#moves.size;
  }

  /** Store and demote orders under way. */
  get stores(): number {
    return this.#stores;
  }

  get restores(): number {
    return this.#restores;
  }

  get gatesFree(): number {
    return this.#gatesFree.length;
  }

  nextId(): number {
    this.#lastId++;
    return this.#lastId;
  }

  takeGate(): number {
    // The one free for longest: a step in flight may still read one that was freed just now.
    return defined(this.#gatesFree.shift(), "a gate is free");
  }

  start(
    order: MoveOrder,
    copies: readonly CachedBlock[],
    expectedEndMs: number,
    requestId: string | null = null,
  ): void {
    this.#moves.set(order.id, { order, copies, expectedEndMs, requestId, freeAfter: [] });
    this.#orders.push(order);
    for (const copy of copies) copy.moves++;
    if (order.kind === "restore") this.#restores++;
    else if (order.kind !== "erase") this.#stores++;
  }

  get(id: number): Move | null {
    return this.#moves.get(id) ?? null;
  }

  /** Ends an order; null when it is not known, or has ended before. */
  end(id: number): Move | null {
    const move = this.get(id);
    if (move === null) return null;
    this.#moves.delete(id);
    for (const copy of move.copies) copy.moves--;
    const { order } = move;
    if (order.kind === "restore") {
      this.#restores--;
      this.#gatesFree.push(order.gate);
    } else if (order.kind !== "erase") this.#stores--;
    return move;
  }

  /** Orders started since the last call, for the mover. */
  takeOrders(): MoveOrder[] {
    const orders = this.#orders;
    this.#orders = [];
    return orders;
  }

  /** Every block in motion, once for each of its moves. */
  *copies(): Generator<CachedBlock> {
    for (const { copies } of this.#moves.values()) yield* copies;
  }

  /** Device blocks kept back until a move ends. */
  *heldBlocks(): Generator<number> {
    for (const { freeAfter } of this.#moves.values()) yield* freeAfter;
  }

  checkIntegrity(): void {
    let [stores, restores] = [0, 0];
    const gates = new Set(this.#gatesFree);
    for (const [id, { order }] of this.#moves) {
      assert(order.id === id && id <= this.#lastId, "a move is kept by its order's number");
      if (order.kind === "restore") {
        restores++;
        assert(!gates.has(order.gate), "a gate serves one restore");
        gates.add(order.gate);
      } else if (order.kind !== "erase") stores++;
    }
    assert(stores === this.#stores && restores === this.#restores, "moves are counted");
    assert(gates.size === restoreGatesMax, "no gate is lost");
  }
}
