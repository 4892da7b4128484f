// What every tier must do, whatever memory it is.

import { describe, expect, test } from "vitest";
import type { Tier, TierResult } from "./tier.ts";
import { TierRig, type TierRigOptions, identityOf } from "./testing/tier-rig.ts";

/** `open` makes a tier of at least 4 empty slots over the rig's pool. */
export function describeTier(
  name: string,
  options: TierRigOptions,
  open: (rig: TierRig) => Tier,
): void {
  const withTier = (body: (tier: Tier, rig: TierRig) => Promise<void>) => async () => {
    using rig = new TierRig(options);
    const tier = open(rig);
    for await (const batch of tier.recover()) expect(batch).toEqual([]);
    await body(tier, rig);
    await tier.close();
  };
  describe(`${name} as a tier`, () => {
    test(
      "gives back what was stored, many blocks at a time, and opens the gate",
      withTier(async (tier, rig) => {
        for (const seed of [1, 2, 3]) expect(await store(tier, rig, seed, seed)).toBe("moved");
        rig.gates.close(5);
        const wanted = [3, 1, 2].map((seed) => ({
          slot: seed,
          identity: identityOf(seed),
          target: rig.address(4 + seed),
        }));
        expect(await tier.read(wanted, 5)).toEqual(["moved", "moved", "moved"]);
        for (const seed of [1, 2, 3]) expect(rig.holds(4 + seed, seed)).toBe(true);
        expect(rig.gates.layersArrived(5)).toBe(rig.pool.layers);
        expect(rig.gates.hasFailed(5)).toBe(false);
      }),
    );

    test(
      "misses what is not there, and says so at the gate, but brings the rest",
      withTier(async (tier, rig) => {
        await store(tier, rig, 0, 1);
        rig.gates.close(0);
        const wanted = [
          { slot: 1, identity: identityOf(2), target: rig.address(5) },
          { slot: 0, identity: identityOf(1), target: rig.address(6) },
        ];
        expect(await tier.read(wanted, 0)).toEqual(["empty", "moved"]);
        expect(rig.holds(6, 1)).toBe(true);
        expect(rig.gates.hasFailed(0)).toBe(true);
        expect(rig.gates.layersArrived(0)).toBeGreaterThanOrEqual(rig.pool.layers);
      }),
    );

    test(
      "takes another block, tenant, parent or depth for foreign",
      withTier(async (tier, rig) => {
        await store(tier, rig, 0, 1);
        const own = identityOf(1);
        const others = [
          identityOf(2),
          identityOf(1, "another tenant"),
          { ...own, parentKey: identityOf(2).key },
          { ...own, tenantKey: identityOf(2).key },
          { ...own, depth: own.depth + 1 },
          { ...own, tokens: own.tokens.map((token) => token + 1) },
          { ...own, tokens: Int32Array.of(...own.tokens, 0) },
        ];
        for (const identity of others) {
          const wanted = [{ slot: 0, identity, target: rig.address(5) }];
          expect(await tier.read(wanted, null)).toEqual(["foreign"]);
        }
        const wanted = [{ slot: 0, identity: own, target: rig.address(5) }];
        expect(await tier.read(wanted, null)).toEqual(["moved"]);
      }),
    );

    test(
      "replaces a slot's block",
      withTier(async (tier, rig) => {
        await store(tier, rig, 2, 1);
        await store(tier, rig, 2, 9);
        const read = (seed: number) =>
          tier.read([{ slot: 2, identity: identityOf(seed), target: rig.address(5) }], null);
        expect(await read(1)).toEqual(["foreign"]);
        expect(await read(9)).toEqual(["moved"]);
        expect(rig.holds(5, 9)).toBe(true);
      }),
    );

    test(
      "forgets erased slots, whether they held something or not",
      withTier(async (tier, rig) => {
        await store(tier, rig, 0, 1);
        await store(tier, rig, 1, 2);
        expect(await tier.erase([0, 3])).toEqual([]);
        const wanted = [0, 1].map((slot) => ({
          slot,
          identity: identityOf(slot + 1),
          target: rig.address(5 + slot),
        }));
        expect(await tier.read(wanted, null)).toEqual(["empty", "moved"]);
      }),
    );

    test(
      "reads either right bytes or a miss while slots are written, erased and read at once",
      withTier(async (tier, rig) => {
        const isRight = async (slot: number, seed: number, block: number): Promise<boolean> => {
          const target = rig.address(block);
          const [result] = await tier.read([{ slot, identity: identityOf(seed), target }], null);
          return result !== "moved" || rig.holds(block, seed);
        };
        const change = async (slot: number, seed: number): Promise<boolean> => {
          rig.fill(seed, seed);
          const source = rig.address(seed);
          if (seed === 5) await tier.erase([slot]);
          else await tier.write({ slot, identity: identityOf(seed), source, checksumsKnown: null });
          return true;
        };
        for (let round = 0; round < 25; round++) {
          const work = Array.from({ length: 8 }, (_, index) => {
            const seed = 1 + ((round + index) % 5);
            const slot = index % 2;
            return index % 3 === 0 ? change(slot, seed) : isRight(slot, seed, 8 + index);
          });
          expect(await Promise.all(work)).not.toContain(false);
        }
        // And the tier is as good as before.
        expect(await store(tier, rig, 0, 6)).toBe("moved");
      }),
    );

    test(
      "answers with misses once it is closed",
      withTier(async (tier, rig) => {
        await store(tier, rig, 0, 1);
        await tier.close();
        expect(await store(tier, rig, 1, 2)).toBe("closed");
        rig.gates.close(1);
        const wanted = [{ slot: 0, identity: identityOf(1), target: rig.address(5) }];
        expect(await tier.read(wanted, 1)).toEqual(["closed"]);
        expect(rig.gates.hasFailed(1)).toBe(true);
      }),
    );
  });
}

/** Stores what `seed` stands for. */
function store(tier: Tier, rig: TierRig, slot: number, seed: number): Promise<TierResult> {
  rig.fill(0, seed);
  const source = rig.address(0);
  return tier.write({ slot, identity: identityOf(seed), source, checksumsKnown: null });
}
