import { blockNames, defined, LatencyModel } from "@loci/core";
import type { KvEvent } from "@loci/core";
import { describe, expect, it } from "vitest";
import { CachedBlock } from "./cached-block.ts";
import { CacheTree } from "./cache-tree.ts";
import { HeldNames } from "./held-names.ts";
import { PrefixIndex } from "./prefix-index.ts";
import type { RecoveredBlock } from "../tiers/block-mover.ts";
import { plainHasher } from "../tiers/block-hasher.ts";
import { withoutTiers } from "../tiers/tier-directory-options.ts";

const blockTokens = 2;
const tenant = "tenant";

function makeIndex(blockCount = 64): PrefixIndex {
  return new PrefixIndex({ blockCount, blockTokens, reportsBlocks: true });
}

function computed(index: PrefixIndex, tokens: Int32Array): void {
  const sequence = index.acquire(tenant, { tokens, end: tokens.length - 1 });
  index.fill(sequence, { tokens, end: tokens.length - 1 }, { isAlone: true });
  index.grow(sequence, tokens.length);
  index.advance(sequence, tokens, { start: sequence.tokensHeld, end: tokens.length });
  index.settle();
  index.close(sequence, { tokens, end: tokens.length, answerTokens: 0 }, 1);
}

function namesOf(tokens: Int32Array, start = 0): number[] {
  return [...blockNames(tenant, tokens, blockTokens)].slice(start);
}

function take(index: PrefixIndex): readonly KvEvent[] {
  return index.names?.take() ?? [];
}

describe("HeldNames", () => {
  it("tells full blocks by the names that a router computes, each once", () => {
    const index = makeIndex();
    const tokens = Int32Array.of(1, 2, 3, 4, 5);
    computed(index, tokens);
    expect(take(index)).toEqual([{ type: "stored", tier: "device", blocks: namesOf(tokens) }]);
    const longer = Int32Array.of(1, 2, 3, 4, 5, 6);
    computed(index, longer);
    expect(take(index)).toEqual([{ type: "stored", tier: "device", blocks: namesOf(longer, 2) }]);
    expect(take(index)).toEqual([]);
    index.checkIntegrity();
  });

  it("tells what is given up, nothing of what came and went, and when all is gone", () => {
    const index = makeIndex(3);
    const [first, second] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(9, 8, 7, 6)];
    computed(index, first);
    take(index);
    computed(index, second);
    expect(take(index)).toEqual([
      { type: "removed", tier: "device", blocks: namesOf(first, 1) },
      { type: "stored", tier: "device", blocks: namesOf(second) },
    ]);
    computed(index, Int32Array.of(5, 5));
    index.clear();
    expect(take(index)).toEqual([{ type: "cleared" }]);
  });

  it("starts anew when more changed than it keeps", () => {
    const names = new HeldNames(blockTokens, 3);
    const copies = [11, 12, 13, 14, 15].map((name) => {
      const copy = new CachedBlock(0, blockTokens);
      copy.name = name;
      return copy;
    });
    const place = (copy: CachedBlock, device: number | null): void => {
      copy.device = device;
      names.note(copy);
    };
    for (const copy of copies) place(copy, 0);
    place(defined(copies[0]), null);
    expect(names.take()).toEqual([
      { type: "cleared" },
      { type: "stored", tier: "device", blocks: [12, 13, 14, 15] },
    ]);
    place(defined(copies[1]), null);
    expect(names.take()).toEqual([{ type: "removed", tier: "device", blocks: [12] }]);
    names.checkIntegrity(copies);
  });

  it("names what survived a restart once its tenant is known, and tells when it goes", () => {
    const disk = { name: "disk", slotCount: 8, isDurable: true } as const;
    const tiers = { ...withoutTiers, tiers: [disk] };
    const cache = new CacheTree(
      { blockCount: 4, blockTokens, tiers, reportsBlocks: true },
      new LatencyModel(),
    );
    const tokens = Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const recovered = recoveredBlocks(tokens);
    // The third is lost, so nobody can say what the fourth continues; children come first.
    cache.adopt(recovered.filter((_, depth) => depth !== 2).toReversed());
    expect(cache.names?.take()).toEqual([]);
    cache.nameRecovered("somebody else");
    expect(cache.names?.take()).toEqual([]);
    cache.nameRecovered(tenant);
    const names = namesOf(tokens);
    expect(cache.names?.take()).toEqual([
      { type: "stored", tier: "disk", blocks: names.slice(0, 2) },
    ]);
    cache.checkIntegrity();
    // A request shows where the fourth belongs.
    cache.graft(tenant, { tokens, end: tokens.length });
    expect(cache.names?.take()).toEqual([{ type: "stored", tier: "disk", blocks: [names[3]] }]);
    cache.checkIntegrity();
    for (const { payload } of [...cache.nodes()].toReversed()) cache.giveUp(defined(payload));
    expect(cache.names?.take()).toEqual([{ type: "cleared" }]);
  });
});

function recoveredBlocks(tokens: Int32Array): RecoveredBlock[] {
  const tenantKey = plainHasher.tenantKey(tenant);
  let parentKey = tenantKey;
  return Array.from({ length: tokens.length / blockTokens }, (_, depth) => {
    const own = tokens.slice(depth * blockTokens, (depth + 1) * blockTokens);
    const key = plainHasher.blockKey(parentKey, own);
    const identity = { key, parentKey, tenantKey, depth, tokens: own };
    parentKey = key;
    return { tier: "disk", slot: depth, identity };
  });
}
