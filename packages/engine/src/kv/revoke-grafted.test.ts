// A step fails after a block that survived a restart found its place below one of the step's own.

import { LatencyModel } from "@loci/core";
import { expect, test } from "vitest";
import { plainHasher } from "../tiers/block-hasher.ts";
import { PrefixIndex } from "./prefix-index.ts";

test("what a failed step published is withdrawn from above a block found on disk", () => {
  const tiers = [{ name: "disk", slotCount: 8, isDurable: true }] as const;
  const options = { tiers, blockBytes: 1, hasher: plainHasher, eviction: "lru", aheadShare: 0 };
  const index = new PrefixIndex(
    { blockCount: 8, blockTokens: 4, tiers: { ...options, eviction: "lru" } },
    new LatencyModel(),
  );
  const [first, second] = [Int32Array.of(1, 2, 3, 4), Int32Array.of(5, 6, 7, 8)];
  const tenantKey = plainHasher.tenantKey("t");
  const parentKey = plainHasher.blockKey(tenantKey, first);
  const key = plainHasher.blockKey(parentKey, second);
  const identity = { key, parentKey, tenantKey, depth: 1, tokens: second };
  index.adopt([{ tier: "disk", slot: 0, identity }]);

  // Shares the first block only, so what follows it on disk is not looked for.
  const tokens = Int32Array.of(...first, 99);
  const sequence = index.acquire("t", { tokens, end: 4 });
  index.fill(sequence, { tokens, end: 4 }, { isAlone: true });
  index.grow(sequence, 5);
  index.advance(sequence, tokens, { start: 0, end: 5 });
  const all = { tokens: Int32Array.of(...first, ...second), end: 8 };
  index.matchedTokens("t", all);
  index.close(sequence, null, 0);
  index.revoke();
  index.checkIntegrity();
  // The first block is a hole now, the second is still on disk.
  expect(index.matchedTokens("t", all)).toBe(4);
});
