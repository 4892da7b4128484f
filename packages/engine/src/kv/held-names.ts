// What routers are told of the cache: the names of full blocks (see core's block names) and the
// memories that have them. Whoever changes where a block lies notes it here; what is told is the
// difference between two takes, so what comes and goes in between is not told at all.
//
// Two blocks may have one name: one that survived a restart and waits for its place beside one that
// was computed again, or two by chance. A name is held as long as anyone has it.

import { assert, blockName, defined, kvTierNames, rootBlockName } from "@loci/core";
import type { BlockName, KvEvent, KvSnapshot, KvTierName } from "@loci/core";
import type { CachedBlock, CacheNode } from "./cached-block.ts";

/** Holders of one name in one memory that are told apart, as a power of two. */
const countBits = 10;
const countMask = (1 << countBits) - 1;

/** Memories that hold a name: bit i for tier i. */
type TierSet = number;

export class HeldNames {
  readonly #blockTokens: number;
  /** Changed names that are kept until they are taken; beyond, everything is told anew. */
  readonly #changesMax: number;
  /** How many blocks of a name lie in each memory: `countBits` bits for each. */
  readonly #counts = new Map<BlockName, number>();
  /** Names that changed since the last take, with where they were held then. */
  readonly #before = new Map<BlockName, TierSet>();
  /** More changed than is kept. */
  #overflowed = false;

  constructor(blockTokens: number, changesMax: number = 65_536) {
    this.#blockTokens = blockTokens;
    this.#changesMax = changesMax;
  }

  /** Something about where the block lies may have changed. */
  note(copy: CachedBlock): void {
    const held = placesOf(copy);
    if (held === copy.placesNoted) return;
    copy.name ??= this.#nameOf(copy.node);
    if (copy.name !== null) this.#change(copy, copy.name, held);
  }

  /** Names the blocks of a tenant that survived a restart, as far as their beginnings did, too. */
  nameRecovered(
    tenant: string,
    tenantKey: string,
    byParent: ReadonlyMap<string, readonly CachedBlock[]>,
  ): void {
    const open = [{ key: tenantKey, name: rootBlockName(tenant) }];
    for (let parent = open.pop(); parent !== undefined; parent = open.pop()) {
      for (const copy of byParent.get(parent.key) ?? []) {
        const { recovered } = copy;
        // Whoever has found a place meanwhile is named by it.
        if (recovered === null || copy.name !== null) continue;
        const { key, tokens } = recovered;
        if (recovered.tenantKey !== tenantKey || tokens.length < this.#blockTokens) continue;
        copy.name = blockName(parent.name, tokens, 0, tokens.length);
        this.note(copy);
        open.push({ key, name: copy.name });
      }
    }
  }

  /** The changes since the last call. */
  take(): readonly KvEvent[] {
    if (this.#before.size === 0 && !this.#overflowed) return [];
    if (this.#overflowed || this.#counts.size === 0) {
      this.#overflowed = false;
      this.#before.clear();
      const stored = this.snapshot().map(({ tier, blocks }) => storedEvent(tier, [...blocks]));
      return [{ type: "cleared" }, ...stored.filter(({ blocks }) => blocks.length > 0)];
    }
    const events = kvTierNames.flatMap((tier, place) => this.#changesOf(tier, 1 << place));
    this.#before.clear();
    return events;
  }

  /** All that is held. Hundreds of thousands of names: nothing is made for each. */
  snapshot(): KvSnapshot["held"] {
    const memories = kvTierNames.map((tier, place) => ({
      tier,
      mask: countMask << (countBits * place),
      blocks: new Float64Array(this.#counts.size),
      end: 0,
    }));
    for (const [name, counts] of this.#counts) {
      for (const memory of memories) {
        if ((counts & memory.mask) !== 0) memory.blocks[memory.end++] = name;
      }
    }
    return memories.map(({ tier, blocks, end }) => ({ tier, blocks: blocks.slice(0, end) }));
  }

  /** Every block of `copies` is noted as it lies, and nothing else is. */
  checkIntegrity(copies: Iterable<CachedBlock>): void {
    const counts = new Map<BlockName, number>();
    for (const copy of copies) {
      const isNamed = copy.name !== null;
      const places = placesOf(copy);
      assert(isNamed || copy.placesNoted === 0, "what has no name is not told");
      const isFull = copy.node !== null && copy.node.length === this.#blockTokens;
      assert(!isFull || copy.placesNoted === places, "what is told of a block is where it lies");
      if (copy.placesNoted === 0) continue;
      const name = defined(copy.name);
      counts.set(name, (counts.get(name) ?? 0) + spread(copy.placesNoted));
    }
    assert(counts.size === this.#counts.size, "all names are those of blocks");
    for (const [name, count] of counts) {
      assert(this.#counts.get(name) === count, "a name is held as often as blocks have it");
    }
    assert(this.#before.size <= this.#changesMax, "changes are bounded");
  }

  #change(copy: CachedBlock, name: BlockName, held: TierSet): void {
    const before = this.#counts.get(name) ?? 0;
    const after = before - spread(copy.placesNoted) + spread(held);
    copy.placesNoted = held;
    if (after === 0) this.#counts.delete(name);
    else this.#counts.set(name, after);
    if (tiersOf(before) === tiersOf(after) || this.#overflowed) return;
    if (!this.#before.has(name)) this.#before.set(name, tiersOf(before));
    if (this.#before.size <= this.#changesMax) return;
    this.#overflowed = true;
    this.#before.clear();
  }

  #changesOf(tier: KvTierName, bit: TierSet): KvEvent[] {
    const [removed, stored]: [BlockName[], BlockName[]] = [[], []];
    for (const [name, before] of this.#before) {
      const after = tiersOf(this.#counts.get(name) ?? 0);
      if (((before ^ after) & bit) === 0) continue;
      if ((after & bit) === 0) removed.push(name);
      else stored.push(name);
    }
    const events: KvEvent[] = [];
    if (removed.length > 0) events.push({ type: "removed", tier, blocks: removed });
    if (stored.length > 0) events.push(storedEvent(tier, stored));
    return events;
  }

  /** Of a full node in the tree; null for any other. */
  #nameOf(node: CacheNode | null): BlockName | null {
    if (node === null || node.length < this.#blockTokens) return null;
    const unnamed: CacheNode[] = [];
    let above: CacheNode = node;
    while (above.parent !== null && defined(above.payload).name === null) {
      unnamed.push(above);
      above = above.parent;
    }
    let name = above.parent === null ? rootBlockName(above.salt) : defined(above.payload?.name);
    for (const each of unnamed.toReversed()) {
      name = blockName(name, each.tokens, 0, each.length);
      defined(each.payload).name = name;
    }
    return name;
  }
}

function storedEvent(tier: KvTierName, blocks: readonly BlockName[]): KvEvent & { type: "stored" } {
  return { type: "stored", tier, blocks };
}

/** Memories from which the block can be read now. */
function placesOf({ device, arriving, slots }: CachedBlock): TierSet {
  const onDevice = device !== null && arriving === null ? 1 : 0;
  return onDevice | (slots.host === null ? 0 : 2) | (slots.disk === null ? 0 : 4);
}

/** One holder in each of the memories, as a count of all. */
function spread(tiers: TierSet): number {
  let counts = 0;
  for (const place of kvTierNames.keys()) {
    if ((tiers & (1 << place)) !== 0) counts += 1 << (countBits * place);
  }
  return counts;
}

function tiersOf(counts: number): TierSet {
  let tiers = 0;
  for (const place of kvTierNames.keys()) {
    if (((counts >> (countBits * place)) & countMask) !== 0) tiers |= 1 << place;
  }
  return tiers;
}
