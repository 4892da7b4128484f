import { assert, defined, systemClock } from "@loci/core";
import type { BlockContents } from "@loci/engine";
import { expect, test } from "vitest";
import { openTiers } from "./open-tiers.ts";
import { TierRig, identityOf } from "./testing/tier-rig.ts";

function deviceOf(rig: TierRig): BlockContents {
  return {
    blockBytes: rig.pool.blockBytes,
    readsHost: false,
    read: (source) => {
      assert(source.tier === "device", "a device block is asked for");
      return Promise.resolve(rig.bytes(source.block).slice());
    },
    write: (block, bytes) => Promise.resolve(rig.bytes(block).set(bytes)),
  };
}

test("contents come from the device and from host memory, and from there only what was kept", async () => {
  using rig = new TierRig();
  const { fingerprint } = rig.shape;
  const hostBytes = 4 * rig.pool.blockBytes;
  const options = { pool: rig.pool, fingerprint, hostBytes, disk: null, clock: systemClock };
  const tiers = await openTiers(options);
  const contents = tiers.withHost(deviceOf(rig));
  expect(contents.readsHost).toBe(true);
  rig.fill(0, 7);
  const identity = identityOf(7);
  const blocks = [{ block: 0, slot: 2, identity }];
  await tiers.mover.execute({ kind: "store", id: 1, tier: "host", blocks });
  rig.fill(0, 8);
  const kept = defined(await contents.read({ tier: "host", slot: 2, identity }));
  await contents.write(5, kept);
  expect(rig.holds(5, 7)).toBe(true);
  const device = defined(await contents.read({ tier: "device", block: 0 }));
  await contents.write(6, device);
  expect(rig.holds(6, 8)).toBe(true);
  expect(await contents.read({ tier: "host", slot: 2, identity: identityOf(8) })).toBe(null);
  expect(await contents.read({ tier: "host", slot: 1, identity })).toBe(null);
  await tiers.close();
  expect(await contents.read({ tier: "host", slot: 2, identity })).toBe(null);
});

test("without host memory the device's contents are all there are", async () => {
  using rig = new TierRig();
  const { fingerprint } = rig.shape;
  const options = { pool: rig.pool, fingerprint, hostBytes: 0, disk: null, clock: systemClock };
  const tiers = await openTiers(options);
  const device = deviceOf(rig);
  expect(tiers.withHost(device)).toBe(device);
  await tiers.close();
});
