// An engine names blocks by hashes of its own; a router by names it can compute from a prompt. This
// keeps, for one worker, what its hashes are called here: events go in, our events come out.
//
// One of our blocks is `groupBlocks` of the engine's (an engine with pages of one token would
// otherwise have a name for every token). A group is held while its last block is: engines give up
// the ends of sequences first. A block whose parent is unknown cannot be named and is left out: that
// costs a hit, no more. Two of the engine's blocks can have one name here (under salts that it does
// not tell): names are told when the first comes and when the last goes.

import { assert, blockName, defined, kvTierNames, rootBlockName } from "@loci/core";
import type { BlockName, KvEvent, KvSnapshot, KvTierName } from "@loci/core";
import type { EngineEvent, EngineHash, EngineRemoved, EngineStored } from "./engine-events.ts";

export interface BlockNamerOptions {
  /** Tokens of one of our blocks. */
  readonly blockTokens: number;
  /** Engine blocks remembered; the oldest are forgotten, as if the engine had removed them. */
  readonly blocksMax: number;
  /** Salt of our names for what the engine stored under its salt (null: it does not say). */
  readonly saltOf: (salt: string | null, firstTokens: Int32Array) => string;
}

interface NamedBlock {
  /** The last of our blocks that ends at or before this block's end. */
  readonly name: BlockName;
  /** Tokens after that; empty where our block ends here. */
  readonly rest: Int32Array;
  /** Bits by memory, as in `kvTierNames`. */
  tiers: number;
}

const noTokens = new Int32Array(0);

export class BlockNamer {
  readonly #options: BlockNamerOptions;
  readonly #blocksMax: number;
  readonly #blocks = new Map<EngineHash, NamedBlock>();
  /** For each memory, how many of the engine's blocks end a name there. */
  readonly #names: readonly Map<BlockName, number>[] = kvTierNames.map(() => new Map());
  #unnamed = 0;

  constructor(options: BlockNamerOptions) {
    assert(options.blockTokens >= 1, "a block holds at least one token");
    this.#options = options;
    this.#blocksMax = options.blocksMax;
  }

  /** Engine blocks known. */
  get size(): number {
    return this.#blocks.size;
  }

  /** Names held on the device. */
  get names(): number {
    return this.#namesIn("device").size;
  }

  /** Stored blocks that could not be named, since the start. */
  get unnamed(): number {
    return this.#unnamed;
  }

  apply(event: EngineEvent): readonly KvEvent[] {
    if (event.type === "stored") return this.#store(event);
    if (event.type === "removed") return this.#remove(event);
    return this.clear();
  }

  /** Forgets all, as when nothing is known of the engine any more. */
  clear(): readonly KvEvent[] {
    this.#blocks.clear();
    for (const names of this.#names) names.clear();
    return [{ type: "cleared" }];
  }

  /** Of a prompt's block names, how many of the first are held in some memory. */
  heldOf(names: Float64Array): number {
    const held = names.findIndex((name) => !this.#names.some((among) => among.has(name)));
    return held < 0 ? names.length : held;
  }

  held(): KvSnapshot["held"] {
    return kvTierNames.flatMap((tier) => {
      const names = this.#namesIn(tier);
      return names.size === 0 ? [] : [{ tier, blocks: Float64Array.from(names.keys()) }];
    });
  }

  checkIntegrity(): void {
    assert(this.#blocks.size <= this.#blocksMax, "known blocks are bounded");
    const counts = this.#names.map(() => 0);
    for (const { tiers, rest } of this.#blocks.values()) {
      assert(tiers > 0 && tiers < 1 << kvTierNames.length, "a known block is held somewhere");
      assert(rest.length < this.#options.blockTokens, "a full block has a name");
      if (rest.length > 0) continue;
      for (const index of counts.keys())
        counts[index] = (counts[index] ?? 0) + ((tiers >> index) & 1);
    }
    const told = this.#names.map((names) => [...names.values()].reduce((sum, n) => sum + n, 0));
    assert(counts.join(" ") === told.join(" "), "each held block is counted under its name");
  }

  #store(event: EngineStored): readonly KvEvent[] {
    const { blockTokens } = this.#options;
    let before = this.#parentOf(event);
    if (before === null || blockTokens % event.blockTokens !== 0) {
      this.#unnamed += event.hashes.length;
      return [];
    }
    const bit = bitOf(event.tier);
    const stored: BlockName[] = [];
    for (const [index, hash] of event.hashes.entries()) {
      const tokens = event.tokens.subarray(
        index * event.blockTokens,
        (index + 1) * event.blockTokens,
      );
      before = this.#following(before, tokens);
      const known = this.#blocks.get(hash);
      const tiers = (known?.tiers ?? 0) | bit;
      // Said again: young again.
      this.#blocks.delete(hash);
      this.#blocks.set(hash, { ...before, tiers });
      const isHeld = known !== undefined && (known.tiers & bit) !== 0;
      if (!isHeld && before.rest.length === 0 && this.#count(before.name, event.tier, 1)) {
        stored.push(before.name);
      }
    }
    const events: KvEvent[] = stored.length === 0 ? [] : [toldOf("stored", event.tier, stored)];
    return [...events, ...this.#forgetOldest()];
  }

  /** Where the first block goes on; null when that is not known. */
  #parentOf(event: EngineStored): Omit<NamedBlock, "tiers"> | null {
    if (event.parent !== null) return this.#blocks.get(event.parent) ?? null;
    const firstTokens = event.tokens.subarray(0, event.blockTokens);
    const name = rootBlockName(this.#options.saltOf(event.salt, firstTokens));
    return { name, rest: noTokens };
  }

  #following(
    before: Omit<NamedBlock, "tiers">,
    tokens: Int32Array,
  ): { readonly name: BlockName; readonly rest: Int32Array } {
    const { blockTokens } = this.#options;
    const length = before.rest.length + tokens.length;
    const joined = before.rest.length === 0 ? tokens : new Int32Array(length);
    if (before.rest.length > 0) {
      joined.set(before.rest);
      joined.set(tokens, before.rest.length);
    }
    if (length < blockTokens) return { name: before.name, rest: joined.slice() };
    return { name: blockName(before.name, joined, 0, length), rest: noTokens };
  }

  #remove(event: EngineRemoved): readonly KvEvent[] {
    const tiers = event.tier === null ? kvTierNames : [event.tier];
    const removed = new Map<KvTierName, BlockName[]>(tiers.map((tier) => [tier, []]));
    for (const hash of event.hashes) {
      const block = this.#blocks.get(hash);
      if (block === undefined) continue;
      for (const tier of tiers) {
        if ((block.tiers & bitOf(tier)) === 0) continue;
        block.tiers &= ~bitOf(tier);
        if (block.rest.length === 0 && this.#count(block.name, tier, -1)) {
          defined(removed.get(tier)).push(block.name);
        }
      }
      if (block.tiers === 0) this.#blocks.delete(hash);
    }
    return [...removed].flatMap(([tier, blocks]) =>
      blocks.length === 0 ? [] : [toldOf("removed", tier, blocks)],
    );
  }

  /** True when it was the first of the name in that memory, or the last. */
  #count(name: BlockName, tier: KvTierName, step: 1 | -1): boolean {
    const names = this.#namesIn(tier);
    const count = (names.get(name) ?? 0) + step;
    if (count > 0) names.set(name, count);
    else names.delete(name);
    return step === 1 ? count === 1 : count === 0;
  }

  #namesIn(tier: KvTierName): Map<BlockName, number> {
    return defined(this.#names[kvTierNames.indexOf(tier)]);
  }

  #forgetOldest(): readonly KvEvent[] {
    const hashes: EngineHash[] = [];
    for (const hash of this.#blocks.keys()) {
      if (this.#blocks.size - hashes.length <= this.#blocksMax) break;
      hashes.push(hash);
    }
    return hashes.length === 0 ? [] : this.#remove({ type: "removed", hashes, tier: null });
  }
}

function bitOf(tier: KvTierName): number {
  return 1 << kvTierNames.indexOf(tier);
}

function toldOf(type: "stored" | "removed", tier: KvTierName, blocks: BlockName[]): KvEvent {
  return { type, tier, blocks };
}
