// One block in two slots of a durable tier is one too many: of two found after a restart one is
// erased, and a block that is computed before its copy has found its place takes the copy over.

import { LatencyModel } from "@loci/core";
import { expect, test } from "vitest";
import { plainHasher } from "../tiers/block-hasher.ts";
import type { BlockIdentity, RecoveredBlock } from "../tiers/block-mover.ts";
import { PrefixIndex } from "./prefix-index.ts";

const tokens = Int32Array.of(1, 2, 3, 4, 5, 6);
const tenantKey = plainHasher.tenantKey("t");
const first = identity(0, tenantKey, tokens.slice(0, 4));
const tail = identity(1, first.key, tokens.slice(4));

function identity(depth: number, parentKey: string, own: Int32Array): BlockIdentity {
  return { key: plainHasher.blockKey(parentKey, own), parentKey, tenantKey, depth, tokens: own };
}

function makeIndex(found: readonly RecoveredBlock[]): PrefixIndex {
  const tiers = [{ name: "disk", slotCount: 8, isDurable: true }] as const;
  const options = { tiers, blockBytes: 1, hasher: plainHasher, eviction: "lru", aheadShare: 0 };
  const index = new PrefixIndex(
    { blockCount: 8, blockTokens: 4, tiers: { ...options, eviction: "lru" } },
    new LatencyModel(),
  );
  index.adopt(found);
  return index;
}

test("of two slots with the same block the second is erased", () => {
  const slots = [first, first, tail, tail].map((each, slot): RecoveredBlock => {
    return { tier: "disk", slot, identity: each };
  });
  const index = makeIndex(slots);
  index.tiers.copyAhead(0);
  expect(index.takeOrders()).toMatchObject([{ kind: "erase", tier: "disk", slots: [1, 3] }]);
  expect(index.tiers.tiers[0]?.usedCount).toBe(2);
  expect(index.matchedTokens("t", { tokens, end: 6 })).toBe(6);
});

test("a block computed again takes over what the disk kept of it", () => {
  const index = makeIndex([
    { tier: "disk", slot: 5, identity: first },
    { tier: "disk", slot: 6, identity: tail },
  ]);
  // Computed without asking what is known, as an answer is.
  const sequence = index.acquire("t", { tokens, end: 0 });
  index.grow(sequence, 6);
  index.advance(sequence, tokens, { start: 0, end: 6 });
  index.settle();
  index.close(sequence, { tokens, end: 6 }, 1);
  index.tiers.copyAhead(2);
  expect(index.takeOrders()).toEqual([]);
  expect(index.tiers.tiers[0]?.usedCount).toBe(2);
  expect(index.tiers.isSettled).toBe(true);
  index.checkIntegrity();
  index.clear();
  expect(index.tiers.tiers[0]?.usedCount).toBe(0);
  index.checkIntegrity();
});
