// A mover between the slots of a HashRunner and tiers that live in this process: what a block holds
// is what the runner wrote there, so a block restored into the wrong place, too early, or of another
// sequence gives another token than a fresh run would. Orders wait until they are told to end, in any
// order, and can be made to fail.

import { assert, defined } from "@loci/core";
import type {
  BlockIdentity,
  BlockMover,
  MoveOrder,
  MoveOutcome,
  RecoveredBlock,
  TierFacts,
  TierName,
} from "../tiers/block-mover.ts";
import type { HashBlock, HashRunner } from "./hash-runner.ts";

interface Stored {
  readonly identity: BlockIdentity;
  readonly contents: HashBlock;
}

export interface HashMoverOptions {
  readonly tiers: readonly TierFacts[];
  /** Virtual duration of a move, per block. */
  readonly msPerBlock?: number;
  /** Says for each block whether its move fails. */
  readonly fails?: (order: MoveOrder) => boolean;
}

export class HashMover implements BlockMover {
  readonly tiers: readonly TierFacts[];
  /** Blocks that were asked for under another name than they were stored. */
  foreign = 0;
  readonly #options: HashMoverOptions;
  readonly #slots = new Map<TierName, Map<number, Stored>>();
  readonly #pending = new Map<number, MoveOrder>();
  readonly #ended: MoveOutcome[] = [];
  /** Gates whose latest restore failed. */
  readonly #gatesFailed = new Set<number>();
  #runner: HashRunner;

  constructor(runner: HashRunner, options: HashMoverOptions) {
    this.#runner = runner;
    this.#options = options;
    this.tiers = options.tiers;
    for (const { name } of options.tiers) this.#slots.set(name, new Map());
    runner.onGate = (gate) => this.#passGate(gate);
  }

  /** The process starts again: durable tiers stay, everything else is gone. */
  restart(runner: HashRunner): void {
    this.#runner = runner;
    runner.onGate = (gate) => this.#passGate(gate);
    this.#pending.clear();
    this.#ended.length = 0;
    for (const { name, isDurable } of this.tiers) if (!isDurable) this.#slotsOf(name).clear();
  }

  async *recover(): AsyncGenerator<readonly RecoveredBlock[]> {
    yield await Promise.resolve(this.recovered());
  }

  /** `recover` without the promise. */
  recovered(): RecoveredBlock[] {
    return this.tiers
      .filter(({ isDurable }) => isDurable)
      .flatMap(({ name }) =>
        [...this.#slotsOf(name)].map(([slot, { identity }]) => ({ tier: name, slot, identity })),
      );
  }

  execute(order: MoveOrder): Promise<MoveOutcome> {
    this.submit(order);
    return Promise.resolve().then(() => defined(this.end(order.id)));
  }

  /** Takes an order; it has no effect before it ends. */
  submit(order: MoveOrder): void {
    this.#pending.set(order.id, order);
    if (order.kind === "restore") this.#gatesFailed.delete(order.gate);
    // What is stored into the slot later must not be erased: such orders keep their order.
    if (order.kind === "erase") {
      for (const slot of order.slots) this.#slotsOf(order.tier).delete(slot);
    }
  }

  get pending(): readonly MoveOrder[] {
    return [...this.#pending.values()];
  }

  /** Ends an order; null when it has ended before. */
  end(id: number): MoveOutcome | null {
    const order = this.#pending.get(id);
    if (order === undefined) return null;
    this.#pending.delete(id);
    const failed: number[] = [];
    const count = order.kind === "erase" ? order.slots.length : order.blocks.length;
    for (let index = 0; index < count; index++) {
      if (!this.#move(order, index)) failed.push(index);
    }
    if (order.kind === "restore" && failed.length > 0) this.#gatesFailed.add(order.gate);
    return { id, failed, durationMs: (this.#options.msPerBlock ?? 0.01) * count };
  }

  /** What a slot of host memory holds; null when that is not `identity`. */
  readHost(slot: number, identity: BlockIdentity): HashBlock | null {
    return this.#find("host", slot, identity)?.contents ?? null;
  }

  /** Outcomes of restores that a step waited for at its gates. */
  takeEnded(): MoveOutcome[] {
    return this.#ended.splice(0);
  }

  /** A step waits at the gate: its restore ends now. False when that failed, now or before. */
  #passGate(gate: number): boolean {
    for (const order of this.#pending.values()) {
      if (order.kind === "restore" && order.gate === gate) {
        this.#ended.push(defined(this.end(order.id)));
        break;
      }
    }
    return !this.#gatesFailed.has(gate);
  }

  #move(order: MoveOrder, index: number): boolean {
    if (order.kind === "erase") return true;
    const fails = this.#options.fails?.(order) === true;
    if (order.kind === "store") {
      const { block, slot, identity } = defined(order.blocks[index]);
      // A store that fails has left nothing that could be read.
      this.#slotsOf(order.tier).delete(slot);
      if (fails) return false;
      this.#slotsOf(order.tier).set(slot, { identity, contents: this.#runner.readBlock(block) });
      return true;
    }
    if (order.kind === "demote") {
      const { hostSlot, diskSlot, identity } = defined(order.blocks[index]);
      const stored = this.#find("host", hostSlot, identity);
      if (stored === null || fails) return false;
      this.#slotsOf("disk").set(diskSlot, stored);
      return true;
    }
    const { slot, block, identity } = defined(order.blocks[index]);
    const stored = this.#find(order.tier, slot, identity);
    if (stored === null || fails) return false;
    this.#runner.writeBlock(block, stored.contents);
    return true;
  }

  #find(tier: TierName, slot: number, identity: BlockIdentity): Stored | null {
    const stored = this.#slotsOf(tier).get(slot);
    const isSame = stored !== undefined && isEqual(stored.identity, identity);
    if (isSame) return stored;
    this.foreign++;
    return null;
  }

  #slotsOf(tier: TierName): Map<number, Stored> {
    const slots = this.#slots.get(tier);
    assert(slots !== undefined, "an order names a tier that is there");
    return slots;
  }
}

function isEqual(one: BlockIdentity, other: BlockIdentity): boolean {
  return (
    one.key === other.key &&
    one.parentKey === other.parentKey &&
    one.tenantKey === other.tenantKey &&
    one.depth === other.depth &&
    one.tokens.length === other.tokens.length &&
    one.tokens.every((token, index) => token === other.tokens[index])
  );
}
