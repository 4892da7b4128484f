import { defined } from "@loci/core";
import { NativeMemory } from "@loci/ggml";
import { expect, test } from "vitest";
import { MemoryTier, createHostTier } from "./memory-tier.ts";
import { TierRig, identityOf } from "./testing/tier-rig.ts";
import { describeTier } from "./tier.suite.ts";

for (const mode of ["auto", "portable", "staged"] as const) {
  describeTier(`host memory, ${mode}`, { mode }, (rig) => {
    const { allocateHost } = rig.pool;
    const bytesMax = 8 * rig.pool.blockBytes;
    return defined(createHostTier({ ...rig.parts, bytesMax, allocateHost }), "there is room");
  });

  describeTier(`a device pool in ordinary memory, ${mode}`, { mode }, (rig) => {
    const memory = new NativeMemory(4 * rig.pool.blockBytes);
    return new MemoryTier({
      ...rig.parts,
      name: "host",
      address: memory.address,
      slotCount: 4,
      free: () => memory[Symbol.dispose](),
    });
  });
}

test("host memory is cut into whole blocks; less than one is none", async () => {
  using rig = new TierRig();
  const tier = createHostTier({ ...rig.parts, bytesMax: 8 * rig.pool.blockBytes + 100 });
  expect(tier?.facts).toEqual({ name: "host", slotCount: 8, isDurable: false });
  await tier?.close();
  expect(createHostTier({ ...rig.parts, bytesMax: rig.pool.blockBytes - 1 })).toBe(null);
});

test("a block that rotted in host memory is a miss", async () => {
  using rig = new TierRig();
  const memory = new NativeMemory(rig.pool.blockBytes);
  const tier = new MemoryTier({
    ...rig.parts,
    name: "host",
    address: memory.address,
    slotCount: 1,
    free: () => memory[Symbol.dispose](),
  });
  rig.fill(0, 1);
  const identity = identityOf(1);
  await tier.write({ slot: 0, identity, source: rig.address(0), checksumsKnown: null });
  const bytes = new Uint8Array(memory.bytes);
  bytes[2000] = (bytes[2000] ?? 0) ^ 16;
  expect(await tier.read([{ slot: 0, identity, target: rig.address(1) }], null)).toEqual([
    "corrupt",
  ]);
  await tier.close();
});
